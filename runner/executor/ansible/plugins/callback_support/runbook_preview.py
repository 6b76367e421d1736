# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task would do on a host, all that decides it, in which a value that a vault keeps is only a reference."""

from __future__ import annotations

import functools
import hashlib
import os
import re

from ansible._internal._datatag._tags import Origin
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.vault import EncryptedString, VaultHelper
from ansible.plugins.loader import action_loader, module_loader
from ansible.template import Templar
from jinja2 import Environment, TemplateError, nodes

# What Ansible itself sets, or what is about another thing than the host.
MAGIC = re.compile(
    r"ansible_(check_mode|config_file|dependent_role_names|diff_mode|facts|failed_result|failed_task|forks"
    r"|inventory_sources|limit|loop\w*|parent\w*|play\w*|role_names?|run_tags|search_path|skip_tags|verbosity|version"
    r"|no_target_syslog|collection_name|delegated_vars)"
    r"|playbook_dir"  # another one for each part of a run; what lies there is reviewed, and known by its hash
)
# Of these no more is told than that they are there, unless they are references to a vault.
SECRET = re.compile(r"(?i)(^|[_-])(pass|passwd|passphrase|private_key|secret|token|credentials?|api_?key)$|password$")
OWN = ("RUNBOOK_RUN_ID", "RUNBOOK_ATTEMPT")
"""Environment variables of the product's own, which are no part of what a step does."""
LAZY = ("hostvars", "vars", "groups", "play_hosts", "environment", "ansible_facts", "omit", "runbook_decided")
"""Variables of Ansible or of ours that are not looked into: some grow with the hosts, none holds a vaulted value."""
OF_ITEMS = ("runbook_items_", "runbook_due_", "runbook_captured_")
ITEM = ("item", "item_number")
"""What a step that is done for each item of a list calls the item; the items themselves are told elsewhere."""
BRINGS_FILES = {"assemble": "src", "copy": "src", "template": "src", "unarchive": "src", "uri": "src"}
"""Ansible's own modules that bring a file or directory of this machine, and the argument that names it."""
LONGEST_PATH = 4096
ON_THE_HOST = ("dest",)
"""Arguments that name a place to write to."""

_JINJA = Environment(autoescape=False)  # noqa: S701 - it only parses


def delegate(task, variables, loader):
    """The name of the host on which the task is done, in the place of the host that has the `variables`."""
    return str(Templar(loader=loader, variables=variables).template(task.delegate_to))


def preview(task, variables, shown, loader, beside=(), known=(), there=None):
    """The module of `task`, its arguments, and what is around it, filled in as far as `variables` go.

    `shown` are references that take the place of values; what could not be filled in is in `missing`. `uses` has the
    variables of the inventory at which the tasks `beside` this one look, and the templates that are filled in, without
    those that are `known` from elsewhere.
    `there` are the variables of the host on which it is done, if that is another one.
    """
    filled = Filled(variables, shown, loader)
    filled_there = filled if there is None or there is variables else Filled(there, shown, loader)
    around = {name: filled(getattr(task, name)) for name in ("delegate_to", "remote_user")}
    around |= {"environment": _environment(task, filled), "become": _become(task, filled_there.variables, filled_there)}
    around |= {"connection_settings": connection(filled_there)}
    args = filled(dict(task.args))
    around["missing"] = list(dict.fromkeys(filled.missing))
    texts = [text for each in beside for text in _texts(_looked_at(each))]
    texts += [text for each in (task, *beside) for text in _template(each, loader)]
    around |= {"files": _files(task.action, args, loader), "uses": _uses(texts, known, filled)}
    return {"module": task.action, "args": args, **{name: value for name, value in around.items() if value}}


def _files(action, args, loader):
    """The SHA-256 of each file and directory that the module may bring from this machine, by how it is written."""
    words = {word for text in _texts(_may_name_files(action, args)) for word in _words(text)}
    paths = {word: loader.path_dwim(word) for word in sorted(words)}
    return {word: _digest(path) for word, path in paths.items() if os.path.exists(path)}


def _may_name_files(action, args):
    """The arguments that may name a file of this machine, which only the part of a module that runs here can read.

    Of modules that are not Ansible's own nobody says which these are: so all of them, but for the place to write to.
    """
    collection, _, short = action.rpartition(".")
    if collection not in {"", "ansible.builtin", "ansible.legacy"}:
        names = [name for name in args if name not in ON_THE_HOST] if _acts_here(action) else []
    else:
        names = [BRINGS_FILES[short]] if short in BRINGS_FILES else []
        names += ["body"] if short == "uri" and args.get("body_format") == "form-multipart" else []
    there = boolean(args.get("remote_src", short == "assemble"), strict=False)
    return [] if there else [args[name] for name in names if name in args]


def _acts_here(action):
    """Whether a part of the module runs on this machine: its own one, or that of a whole family of network devices."""
    collection, _, short = action.rpartition(".")
    routed = module_loader.find_plugin_with_context(action).action_plugin
    names = (action, routed, f"{collection}.{short.partition('_')[0]}")
    return any(name and action_loader.has_plugin(name) for name in names)


def _words(text):
    """What in an argument may be a path: all of it, or its first word where words for a program follow."""
    first = text.split(maxsplit=1)[:1]
    return [word for word in (text, *first) if word.strip() and len(word) <= LONGEST_PATH and "\0" not in word]


def _digest(path):
    """The SHA-256 of a file, or of all that is in a directory."""
    digest = hashlib.sha256()
    try:
        for file in _files_in(path) if os.path.isdir(path) else [path]:
            with open(file, "rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{os.path.relpath(file, path)}\0{content}\n".encode(errors="surrogateescape"))
    except OSError as error:
        return f"not readable: {error.strerror}"
    return digest.hexdigest()


def _files_in(directory):
    """Every file below it, also behind links, which Ansible follows."""
    visited = set()
    for folder, below, names in os.walk(directory, followlinks=True):
        visited.add(os.path.realpath(folder))
        below[:] = sorted(name for name in below if os.path.realpath(os.path.join(folder, name)) not in visited)
        yield from (os.path.join(folder, name) for name in sorted(names))


def _uses(texts, known, filled):
    """The inventory's variables that the templates and conditions in `texts` name, each with its value."""
    names = {name for text in texts for name in _names(text)}
    looked_up = (names & filled.variables.keys()) - {*LAZY, *known, *ITEM}
    own = {name for name in looked_up if not (MAGIC.fullmatch(name) or name.startswith(OF_ITEMS))}
    return {name: _told(name, filled(filled.variables[name])) for name in sorted(own)}


def _looked_at(task):
    return [task.args, task.environment, task.get_vars(), task.until, task.when, task.failed_when]


def _template(task, loader):
    """The text of the file of this machine that the task fills in, as Ansible's own module finds it."""
    source = task.args.get("src")
    if task.action.rpartition(".")[2] != "template" or not isinstance(source, str):
        return []
    try:
        with open(
            loader.path_dwim_relative_stack(task.get_search_path(), "templates", source), encoding="utf-8"
        ) as file:
            return [file.read()]
    except (AnsibleError, OSError, UnicodeDecodeError):  # the name is a template itself, or the task will fail
        return []


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


@functools.cache
def _names(text):
    """The names in a template, or in a condition, which has no braces around it."""
    template = text if "{{" in text or "{%" in text else f"{{{{ {text} }}}}"
    try:
        return {name.name for name in _JINJA.parse(template).find_all(nodes.Name)}
    except (TemplateError, RecursionError):
        return set()


class Filled:
    """Fills templates in with the variables of one host; a value that a vault keeps is a reference in the result."""

    def __init__(self, variables, shown, loader):
        self.references = {}
        self.variables = {**self._concealed_in(variables), **shown}
        self.missing = []
        self._loader, self._real = loader, {**variables, **shown}
        self._templar = Templar(loader=loader, variables=self.variables)

    def __call__(self, value):
        if isinstance(value, dict):
            return {str(key): self(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text):
        try:
            return self._templar.template(text)
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


def _environment(task, filled):
    environment = {}
    for each in task.environment or ():
        value = filled(each)
        environment.update(value if isinstance(value, dict) else {"": value})
    return {name: _told(name, value) for name, value in environment.items() if name not in OWN}


def _told(name, value):
    if isinstance(value, dict):
        return {key: _told(key, item) for key, item in value.items()}
    hides = SECRET.search(str(name)) and "vault:" not in str(value)
    return "(set, not shown)" if hides else value


def _become(task, variables, filled):
    """Whom the task becomes: what the inventory says counts before what the task says."""
    says = variables.get("ansible_become", task.become)
    becomes = filled(says)
    if str(becomes).lower() in {"", "none", "false", "no", "0"}:
        return None
    users = [variables.get(name) for name in ("ansible_become_user", "ansible_sudo_user")]
    user = next((user for user in reversed(users) if user is not None), None) or task.become_user or "root"
    method = variables.get("ansible_become_method") or task.become_method or "sudo"
    return {"user": filled(user), "method": filled(method)}


def connection(filled):
    """What decides how the host is reached, and by which interpreter its modules are run."""
    settings = {name: value for name, value in filled.variables.items() if _is_setting(name)}
    facts = filled.variables.get("ansible_facts") or {}
    return {name: _told(name, filled(value)) for name, value in settings.items() if not _is_fact(name, value, facts)}


def _is_setting(name):
    return name.startswith("ansible_") and not MAGIC.fullmatch(name) and name != "ansible_playbook_python"


def _is_fact(name, value, facts):
    """Whether a module has found it out during the run: Ansible never takes a setting of a connection from there."""
    return any(each in facts and facts[each] == value for each in (name, name.removeprefix("ansible_")))
