# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons that stay on hosts: one for each way to a host and each user there, found again, replaced and ended."""

from __future__ import annotations

import contextlib
import os
import resource
import shlex

from ansible import constants
from runbook_connection import OURS, command_line, likeness
from runbook_host_python import BOOT, HostPython, LeftProcess, StaleLoginError
from runbook_hub import ATTEMPT

_FILES_OF_ANSIBLE, _FILES_OF_PYTHON = 512, 3
_OF_PART = "RUNBOOK_"
"""How the variables begin that are others for each part of a run."""


class HostPythons:
    """All that this process asks; the one that was asked last stands last.

    `left` has those that earlier parts of the run have left, and takes those that this one leaves.
    """

    def __init__(self, hub, left=None):
        self._hub, self._run, self._left = hub, os.environ[ATTEMPT], left
        self._pythons, self._lasting = {}, set()
        for each in left.left if left else ():
            self._pythons[each.key] = HostPython(hub, LeftProcess(each.pid, each.pipes), each.taught)
            self._lasting.add(each.key)
        with open(OURS) as file:
            self._module = file.read()

    def answer(self, action, arguments, given, packed=None, soon=None):
        """What a module answers on the host of the `action`, done with `arguments` and the environment `given`.

        `packed` and `soon` are as `HostPython.ask` has them.

        Raises:
            HostPythonEndedError: the Python there was gone before it had answered.
            UnknownModuleError: the Python there cannot import the module.
        """
        while True:
            python = self._python(action)
            try:
                return python.ask(arguments, *self._where(action, given), packed, soon)
            except StaleLoginError:
                self._pythons = {key: each for key, each in self._pythons.items() if each is not python}
                python.retire()

    def _where(self, action, given):
        """The environment that the command is given, and the directory that it is in, if not those of the Python.

        What is done here inherits both of Ansible, which may be another for each part of a run.
        """
        if not _is_oneself(action):
            return given, None
        ours = {name: value for name, value in os.environ.items() if name.startswith(_OF_PART)}
        return {**ours, ATTEMPT: self._run, **given}, action._loader.get_basedir()

    def leave(self):
        """Leave those to the next part of the run that do nothing, and are what a new one would be."""
        for key, python in self._pythons.items():
            if self._left and key in self._lasting and (found := python.to_leave()):
                with contextlib.suppress(OSError):  # it ends with this process then
                    self._left.leave(key, *found)

    def _python(self, action):
        connection = action._connection
        connection._connect()
        interpreter = action._used_interpreter.removeprefix("#!").strip()
        boot = f"{ATTEMPT}={shlex.quote(self._run)} {interpreter} -u -c {shlex.quote(BOOT)}"
        line = command_line(action, boot)
        key = likeness(action, line)
        if key in self._pythons:
            self._pythons[key].look()
        if key not in self._pythons or self._pythons[key].ended:
            self._make_room()
            options = {"env": {**os.environ, ATTEMPT: self._run}, "start_new_session": True}
            if connection.transport == "local":
                options |= {"cwd": action._loader.get_basedir(), "executable": constants.DEFAULT_EXECUTABLE.split()[0]}
                options["shell"] = True
            self._pythons[key] = HostPython.started(self._hub, line, self._module, **options)
            if connection.transport != "local" or _is_oneself(action):
                self._lasting.add(key)
        self._pythons[key] = self._pythons.pop(key)
        return self._pythons[key]

    def _make_room(self):
        """Keep them within the files that this process may have open, of which each of them takes three."""
        self._pythons = {key: python for key, python in self._pythons.items() if not python.ended}
        idle = [key for key, python in self._pythons.items() if python.is_idle]
        for key in idle[: max(0, len(self._pythons) + 1 - _most())]:
            self._pythons.pop(key).retire()


def _is_oneself(action):
    """Whether the commands of the action are done on this machine, by whoever does the run."""
    return action._connection.transport == "local" and not action._connection.become


def _most():
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(1, (files - _FILES_OF_ANSIBLE) // _FILES_OF_PYTHON)
