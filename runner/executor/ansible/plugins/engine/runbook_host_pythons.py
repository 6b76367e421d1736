# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons that stay on hosts: one for each way to a host and each user there, found again, replaced and ended."""

from __future__ import annotations

import os
import resource
import shlex

from ansible import constants
from runbook_connection import OURS, command_line, likeness
from runbook_host_python import BOOT, HostPython, StaleLoginError
from runbook_hub import ATTEMPT

_FILES_OF_ANSIBLE, _FILES_OF_PYTHON = 512, 3


class HostPythons:
    """All that this process asks; the one that was asked last stands last."""

    def __init__(self, hub):
        self._hub, self._run = hub, os.environ[ATTEMPT]
        self._pythons = {}
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
                return python.ask(arguments, given, packed, soon)
            except StaleLoginError:
                self._pythons = {key: each for key, each in self._pythons.items() if each is not python}
                python.retire()

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
            self._pythons[key] = HostPython(self._hub, line, self._module, **options)
        self._pythons[key] = self._pythons.pop(key)
        return self._pythons[key]

    def _make_room(self):
        """Keep them within the files that this process may have open, of which each of them takes three."""
        self._pythons = {key: python for key, python in self._pythons.items() if not python.ended}
        idle = [key for key, python in self._pythons.items() if python.is_idle]
        for key in idle[: max(0, len(self._pythons) + 1 - _most())]:
            self._pythons.pop(key).retire()


def _most():
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(1, (files - _FILES_OF_ANSIBLE) // _FILES_OF_PYTHON)
