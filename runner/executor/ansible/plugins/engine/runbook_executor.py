# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's task executor as the fast engine uses it: the tasks of a host share one connection plugin.

Ansible makes another for each task, and has each work out again some fifty options that are those of the one before.
"""

from __future__ import annotations

from ansible import constants
from ansible.executor.task_executor import TaskExecutor
from runbook_connection import CONNECTIONS
from runbook_kept import is_plain

_OF_TASKS = ("port", "remote_user")
"""What a task says that decides an option of these connection plugins."""


class SharingExecutor(TaskExecutor):
    """Does one task on one host; `connections` are those that the tasks before have left."""

    def __init__(self, connections, *args):
        super().__init__(*args)
        self._connections, self._likeness, self._kept = connections, None, None

    def _get_connection(self, cvars, templar, current_connection):
        self._likeness = self._all_that_decides(cvars, current_connection)
        self._kept = self._connections.get(self._likeness)
        if self._kept is None:
            return super()._get_connection(cvars, templar, current_connection)
        connection, _ = self._kept
        self._play_context.connection = current_connection
        connection._play_context = self._play_context
        return connection

    def _set_connection_options(self, variables, templar):
        if self._kept is not None:
            _, names = self._kept
            return names
        names = super()._set_connection_options(variables, templar)
        if self._likeness is not None:
            self._connections[self._likeness] = self._connection, names
        return names

    def _all_that_decides(self, variables, connection):
        """All that decides what the connection plugin is, and its options; None where some of it may change."""
        task = self._task
        if connection not in CONNECTIONS or task.loop or task.loop_with or task.delegate_to or task.become:
            return None
        options = constants.config.get_plugin_vars("connection", connection)
        names = {*options, *constants.config.get_plugin_vars("shell", "sh"), *_NAMES}
        given = {name: variables[name] for name in sorted(names) if name in variables}
        if given.get("ansible_become") or not all(map(_is_settled, given.values())):
            return None
        said = [getattr(task, name) for name in _OF_TASKS]
        return (self._host.name, connection, *map(repr, (*given.items(), *said)))


_NAMES = {
    *(name for names in constants.MAGIC_VARIABLE_MAPPING.values() for name in names),
    *constants.COMMON_CONNECTION_VARS,
    "inventory_hostname",
}


def _is_settled(value):
    """Whether it is what it says: no template, and nothing that somebody can change within."""
    return value is None or isinstance(value, (bool, int, float)) or is_plain(value)
