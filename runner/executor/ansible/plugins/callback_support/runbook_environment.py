# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the values of `environment` out of the arguments of programs: they come by standard input, before the module.

Ansible writes them in front of the Python that it starts, where everybody on the host can read them, and where sudo
writes them to the log.
"""

from __future__ import annotations

import functools
import os
import shlex

from ansible.plugins.action import ActionBase

PROGRAM = (
    '_n=$(printf "\\nx"); _n=${_n%x}; _c=; IFS= read -r _m; '
    'while IFS= read -r _l && [ "$_l" != "$_m" ]; do _c="$_c$_l$_n"; done; '
    'unset _l _m _n; eval "unset _c; $_c"; exec "$@"'
)
"""Reads a line, then shell code up to the next line like it, does that code, and becomes what follows."""

PREFIX = f"/bin/sh -c {shlex.quote(PROGRAM)} sh "


def by_standard_input(command, data, prefix, given):
    """`command` and its input `data` with the variables `given` there instead of in its `prefix`."""
    mark = f"end-{os.urandom(16).hex()}"
    exports = (f"export {name}={shlex.quote(str(value))}" for name, value in given.items())
    lines = "".join(f"{line}\n" for line in (mark, *exports, mark))
    data = data.encode() if isinstance(data, str) else data
    return PREFIX + command.removeprefix(prefix).lstrip(), lines.encode("utf-8", "surrogateescape") + data


def install():
    """Let every action of this process, and of those forked from it, give its environment so.

    A module that Ansible first copies to the host (for one that becomes another user by `su`) is given none of its
    input, and its environment as ever.
    """
    compute, execute = ActionBase._compute_environment_string, ActionBase._low_level_execute_command

    @functools.wraps(compute)
    def _compute_environment_string(self, raw_environment_out=None):
        given = {} if raw_environment_out is None else raw_environment_out
        prefix = compute(self, given)
        self._runbook_environment = (prefix.strip(), dict(given))
        return prefix

    @functools.wraps(execute)
    def _low_level_execute_command(self, cmd, sudoable=True, in_data=None, **options):
        prefix, given = getattr(self, "_runbook_environment", ("", {}))
        windows = getattr(self._connection._shell, "_IS_WINDOWS", False)
        if in_data and prefix and cmd.startswith(f"{prefix} ") and not windows:
            cmd, in_data = by_standard_input(cmd, in_data, prefix, given)
        return execute(self, cmd, sudoable=sudoable, in_data=in_data, **options)

    ActionBase._compute_environment_string = _compute_environment_string
    ActionBase._low_level_execute_command = _low_level_execute_command
