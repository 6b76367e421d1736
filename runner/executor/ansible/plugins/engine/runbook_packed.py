# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends to a host for one use of a module of its own, taken apart: the module, and what it is to do.

It sends a program with an archive in it, of the module and all that it imports, which a Python then starts with: for
most of a second. A Python that stays imports it once.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import itertools
import typing

from runbook_connection import NotKnownError

KNOWN = {"ansible.legacy.uri": "ansible.modules.uri"}
"""The modules that do nothing but what they are asked each time, and what each is called in its archive."""

_OF_ACTION = {prefix + "uri": "ansible.legacy.uri" for prefix in ("", "ansible.builtin.", "ansible.legacy.")}
"""The module that a task with that action uses."""

_CALL = b"\n    _ansiballz_main(\n"


class Packed(typing.NamedTuple):
    """A module with all that it imports: its name, how what it answers is written, and the archive in base64."""

    name: str
    profile: str
    archive: str


def taken_apart(name, program):
    """The module of that name in a `program` of Ansible's, and the text that it is to be given.

    Raises:
        NotKnownError: it is another module, or is to be started in another way than most are.
    """
    _, found, call = (program or b"").rpartition(_CALL)
    given = dict(line.rstrip(b",").split(b"=", 1) for line in call.split(b"\n)")[0].split(b"\n")) if found else {}
    known = {b"module_fqn": repr(KNOWN[name]), b"rlimit_nofile": "0", b"extensions": "{}"}
    if {key: given.get(key) for key in known} != {key: text.encode() for key, text in known.items()}:
        raise NotKnownError(f"the module {name}")
    return _packed(KNOWN[name], given[b"profile"], given[b"zip_data"]), ast.literal_eval(given[b"params"].decode())


@functools.lru_cache(maxsize=len(KNOWN))
def _packed(name, profile, archive):
    return Packed(name, *(ast.literal_eval(text.decode()) for text in (profile, archive)))


def expected(action, modules, variables):
    """What gives the module that a later task of the same block uses, or None where none does that is known.

    It gives None as well where the module cannot be packed: the task that uses it tells why.
    """
    task = action._task
    rest = itertools.dropwhile(lambda each: each._uuid != task._uuid, task._parent.block)
    names = [_OF_ACTION[each.action] for each in rest if getattr(each, "action", None) in _OF_ACTION]
    return functools.partial(_expected, names[0], action, modules, variables) if names else None


def _expected(name, action, modules, variables):
    with contextlib.suppress(Exception):
        module, _ = modules.configured(action, name, {}, variables)
        return taken_apart(name, module.b_module_data)[0]
    return None
