# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts of an inventory nobody may read: what ansible-vault has encrypted, and the passwords of connections."""

from __future__ import annotations

import functools
import re

from ansible._internal._datatag._tags import Origin
from ansible.parsing.vault import EncryptedString

PASSWORDS = frozenset(
    {
        *("ansible_password", "ansible_ssh_pass", "ansible_ssh_password", "ansible_become_password"),
        *("ansible_become_pass", "ansible_sudo_pass", "ansible_private_key", "ansible_ssh_private_key"),
        "ansible_ssh_private_key_passphrase",
    }
)
OF_LIBPQ = ("PGPASSWORD", "PGSSLPASSWORD")
BEFORE = r"(?<![\w.])(?:(?:hostvars(?:\[[^\]]*\]|\.\w+)|vars)\.)?"
BETWEEN = r"""['"]?\]?(?:\.|\.get\(\s*['"]|\[\s*['"])"""
"""What stands before a variable and its parts however they are spelled: hostvars['db1'].db['password']."""
LOOKS = ("lookup(", "query(", "q(")
SHORTEST = 4
DIGITS = 6


def secret_values(variables, fill):
    """Every text in a host's variables that is secret; `fill` fills in the templates of one.

    How a host is reached, and what is said about runs, is none: it is shown, also where a whole file is encrypted. Nor
    is a short number, like that of a port, nor what is looked up elsewhere each time.
    """
    secrets = set()
    for name, value in variables.items():
        if name in PASSWORDS:
            secrets |= _filled(value, fill)
        elif name == "runbook_sql":
            settings = value if isinstance(value, dict) else {}
            secrets |= {text for key in OF_LIBPQ if key in settings for text in _filled(settings[key], fill)}
        elif not name.startswith(("ansible_", "runbook_")):
            secrets |= set(_encrypted(value))
    return sorted(text for text in secrets if len(text) >= SHORTEST)


def secret_paths(variables):
    """The variables that are secret, and those whose templates name one, each by its path, like `db.password`."""
    own = {name: value for name, value in variables.items() if not name.startswith(("ansible_", "runbook_"))}
    texts = [(path, str(text)) for name, value in own.items() for path, text in _texts(name, value)]
    paths = {path for name, value in own.items() for path, part in _texts(name, value) if any(_encrypted(part))}
    paths |= {name for name in variables if name in PASSWORDS}
    settings = variables.get("runbook_sql")
    paths |= {f"runbook_sql.{key}" for key in OF_LIBPQ if isinstance(settings, dict) and key in settings}
    more = paths
    while more:
        named = re.compile(rf"{BEFORE}(?:{'|'.join(map(_spelled, paths))})(?!\w)")
        more = {path for path, text in texts if "{{" in text and named.search(text)} - paths
        paths |= more
    return sorted(paths)


def _spelled(path):
    return BETWEEN.join(map(re.escape, path.split(".")))


def _texts(path, value):
    """Each part of a mapping by its path; a list is one part."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(f"{path}.{key}", item)
    else:
        yield path, value


def _filled(value, fill):
    text = _decrypted(value) if isinstance(value, EncryptedString) else str(value)
    if any(mark in text for mark in LOOKS):
        return set()
    text = str(fill(value)) if "{{" in text else text
    return set() if "{{" in text else {text}


def _encrypted(value):
    """The texts in what may be a list or a mapping that was encrypted, by itself or with the file it stands in."""
    if isinstance(value, EncryptedString):
        yield _decrypted(value)
    elif isinstance(value, (dict, list, tuple)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _encrypted(item)
    elif (isinstance(value, str) or _is_long_number(value)) and _is_of_encrypted_file(value):
        yield str(value)


def _is_long_number(value):
    return isinstance(value, int) and len(str(value)) >= DIGITS


def _decrypted(value):
    try:
        return str(value)
    except Exception:  # of another password: whoever uses it is told by Ansible
        return ""


def _is_of_encrypted_file(value):
    origin = Origin.get_tag(value)
    return bool(origin and origin.path) and _is_encrypted(origin.path)


@functools.cache
def _is_encrypted(path):
    try:
        with open(path, "rb") as file:
            return file.read(14) == b"$ANSIBLE_VAULT"
    except OSError:
        return False
