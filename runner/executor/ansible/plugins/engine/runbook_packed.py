# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends to a host for one use of a module of its own, taken apart: the module, and what it is to do.

It sends a program with an archive in it, of the module and all that it imports, which a Python then starts with: for
most of a second. A Python that stays imports it once.
"""

from __future__ import annotations

import ast
import functools
import typing

from runbook_connection import NotKnownError

KNOWN = {"ansible.legacy.uri": "ansible.modules.uri"}
"""The modules that do nothing but what they are asked each time, and what each is called in its archive."""

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
