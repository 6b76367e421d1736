# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fills templates in with the variables of a host, in which a value that a vault keeps is only a reference."""

from __future__ import annotations

import copy
import functools
import hashlib
import re

from ansible._internal._datatag._tags import Origin
from ansible.errors import AnsibleValueOmittedError
from ansible.parsing.vault import EncryptedString, VaultHelper
from ansible.template import Templar
from ansible.vars.hostvars import HostVars

# What Ansible itself sets, or what is about another thing than the host.
MAGIC = re.compile(
    r"ansible_(check_mode|config_file|dependent_role_names|diff_mode|facts|failed_result|failed_task|forks"
    r"|inventory_sources|limit|loop\w*|parent\w*|play\w*|role_names?|run_tags|search_path|skip_tags|verbosity|version"
    r"|no_target_syslog|collection_name|delegated_vars)"
    r"|role_(names?|path|uuid)"
    r"|playbook_dir"  # another one for each part of a run; what lies there is reviewed, and known by its hash
)
# Of these no more is told than that they are there, unless they are references to a vault.
SECRET = re.compile(r"(?i)(^|[_-])(pass|passwd|passphrase|private_key|secret|token|credentials?|api_?key)$|password$")
LAZY = ("hostvars", "vars", "groups", "play_hosts", "environment", "ansible_facts", "omit", "runbook_decided")
"""Variables of Ansible or of ours that are not looked into here: some grow with the hosts."""
OMITTED = "(omitted)"
"""What stands for a value that is `omit`; within a list or a mapping it is left out, as Ansible leaves it out."""


def told(name, value):
    """The value as it may be shown under the name."""
    if isinstance(value, dict):
        return {key: told(key, item) for key, item in value.items()}
    hides = SECRET.search(str(name)) and "vault:" not in str(value)
    return "(set, not shown)" if hides else value


def is_fact(name, value, facts):
    """Whether a module has found it out during the run: Ansible never takes a setting of a connection from there."""
    return any(each in facts and facts[each] == value for each in (name, name.removeprefix("ansible_")))


class Filled:
    """Fills templates in with the variables of one host; a value that a vault keeps is a reference in the result.

    `missing` is why something could not be filled in.
    """

    def __init__(self, variables, shown, loader):
        self.references, self.missing = {}, []
        self._loader, self._real, self._shown = loader, {**variables, **shown}, shown
        own = {**self._concealed_in(variables), **shown}
        if isinstance(hosts := own.get("hostvars"), HostVars):
            own["hostvars"] = self._concealed_hosts(hosts)
        if "vars" in own:
            own["vars"] = {name: value for name, value in own.items() if name not in LAZY}
        self.variables = own
        self._templar = Templar(loader=loader, variables=own)

    def beside(self, variables):
        """The same with these `variables` besides."""
        other = copy.copy(self)
        other.missing = []
        other.variables = {**self.variables, **self._concealed_in(variables), **self._shown}
        other._real = {**self._real, **variables, **self._shown}
        other._templar = Templar(loader=self._loader, variables=other.variables)
        return other

    def __call__(self, value):
        """The value with each template filled in for which everything is known; the others stay as they are written."""
        if isinstance(value, dict):
            return {str(key): each for key, item in value.items() if (each := self(item)) is not OMITTED}
        if isinstance(value, (list, tuple)):
            return [each for item in value if (each := self(item)) is not OMITTED]
        return self._text(value) if isinstance(value, str) else value

    def keyword(self, value):
        """The value of a keyword of a task filled in; nothing where it is omitted, as if it were not there."""
        return None if (result := self(value)) is OMITTED else result

    def wholly(self, value):
        """The value filled in, and whether all of it could be; what could not is told nowhere else."""
        known = len(self.missing)
        result = self(value)
        whole = len(self.missing) == known
        del self.missing[known:]
        return result, whole

    def _text(self, text):
        try:
            return self._templar.template(text)
        except AnsibleValueOmittedError:
            return OMITTED
        except Exception as error:
            if self.references and self._works(text):  # it computes with a value of which only a reference is told
                return f"{text} ({', '.join(self.references.values())})"
            self.missing.append(str(error).strip().partition("\n")[0].rstrip("."))
            return text

    def _works(self, text):
        try:
            Templar(loader=self._loader, variables=self._real).template(text)
        except Exception:
            return False
        return True

    def _concealed_hosts(self, hosts):
        """The variables of the other hosts, which Ansible looks up when something asks for them."""
        concealed = copy.copy(hosts)
        concealed._variable_manager = _Concealing(hosts._variable_manager, self._concealed_in)
        return concealed

    def _concealed_in(self, variables):
        return {name: value if _is_own(name) else self._concealed(name, value) for name, value in variables.items()}

    def _concealed(self, name, value):
        if isinstance(value, EncryptedString):
            return self._reference(name, VaultHelper.get_ciphertext(value, with_tags=False))
        if isinstance(value, dict):
            items = {key: self._concealed(f"{name}.{key}", item) for key, item in value.items()}
            return items if any(items[key] is not item for key, item in value.items()) else value
        if isinstance(value, list):
            items = [self._concealed(f"{name}.{number}", item) for number, item in enumerate(value)]
            return items if any(one is not other for one, other in zip(items, value, strict=True)) else value
        origin = Origin.get_tag(value)
        file = vaulted(str(origin.path)) if origin is not None and origin.path else ""
        return self._reference(name, file) if file else value

    def _reference(self, name, ciphertext):
        digest = hashlib.sha256(ciphertext.encode()).hexdigest()[:8]
        self.references[name] = f"vault:{name} (ciphertext {digest})"
        return self.references[name]


class _Concealing:
    """Ansible's manager of variables, with references in the place of what a vault keeps."""

    def __init__(self, manager, conceal):
        self._manager, self._conceal = manager, conceal

    def get_vars(self, *, host, include_hostvars):
        return self._conceal(self._manager.get_vars(host=host, include_hostvars=include_hostvars))


def _is_own(name):
    return name in LAZY or MAGIC.fullmatch(name) is not None


@functools.cache
def vaulted(path):
    """The text of the file at `path` if all of it is encrypted; nothing otherwise."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(14)
            return text + file.read() if text == "$ANSIBLE_VAULT" else ""
    except OSError:
        return ""
