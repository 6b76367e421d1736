# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's own reader of inventories that are programs, which goes no further when one prints a key twice."""

import contextlib
import importlib.util
import json
import os
import sys
from typing import Any

from ansible.plugins import inventory

DOCUMENTATION = """
name: script
short_description: executes a program that prints an inventory in JSON
description:
  - Ansible's own reader, which takes the last of two keys of one name, and misses the hosts of the first.
  - This one ends Ansible then, as no other reader could make anything of a program.
options:
  always_show_stderr:
    description: Whether what a program that ends well has written to its standard error is shown.
    type: boolean
    default: true
"""

# Here `ansible.plugins.inventory.script` is this file: Ansible gives it that name when it loads it.
SPEC: Any = importlib.util.spec_from_file_location(
    "script_of_ansible", os.path.join(inventory.__path__[0], "script.py")
)
OF_ANSIBLE: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(OF_ANSIBLE)
READ = OF_ANSIBLE.run_command


def checked(path, args, origin):
    """What the program at `path` prints and complains of, as Ansible reads it."""
    answer = READ(path, args, origin)
    with contextlib.suppress(ValueError):  # it is no JSON, which Ansible itself says
        json.loads(answer[0], object_pairs_hook=lambda pairs: _unique(path, pairs))
    return answer


def _unique(path, pairs):
    keys = [key for key, _ in pairs]
    if twice := next((key for key in keys if keys.count(key) > 1), None):
        sys.stderr.write(f"{path} prints the key {twice!r} twice; Ansible would take the last, and miss the first\n")
        sys.stderr.flush()
        os._exit(1)  # an error would only let the next reader try
    return dict(pairs)


OF_ANSIBLE.run_command = checked
InventoryModule = OF_ANSIBLE.InventoryModule
