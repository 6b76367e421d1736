# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What templates look up that plain Ansible may have and a run has not: the user's environment, and files beside it."""

from __future__ import annotations

import os
import re

from runbook_file_digests import texts

CALL = re.compile(
    r"""\b(?:lookup|query|q)\(\s*(['"])(?:ansible\.(?:builtin|legacy)\.)?(env|fileglob|first_found)\1"""
    r"""\s*,((?:[^()]|\([^()]*\))*)"""
)
LITERAL = re.compile(r"""(?:^|,)\s*(['"])([^'"]*)\1\s*(?=,|$)""")
WHOLE = ("/", "~", "{")


def looked_up(playbook, variables):
    """In the text of the playbook, and the variables of hosts: what is not in the environment, and files beside it.

    A look-up of either gives nothing where there is nothing, and so does not fail.
    """
    with open(playbook._file_name, encoding="utf-8") as file:
        values = [file.read(), *variables.values()]
    found = {"env": set(), "fileglob": set(), "first_found": set()}
    for text in texts(values):
        for _, kind, words in CALL.findall(text):
            found[kind].update(literal for _, literal in LITERAL.findall(words))
    beside = found["fileglob"] | found["first_found"]
    return {
        "environment": sorted(found["env"] - os.environ.keys()),
        "beside": sorted(name for name in beside if name and not name.startswith(WHOLE)),
    }
