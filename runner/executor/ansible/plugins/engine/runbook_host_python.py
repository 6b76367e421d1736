# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's end of the Python that stays on a host: starts it, asks it, and says when it is gone."""

from __future__ import annotations

import itertools
import json
import os
import selectors
import subprocess

_CHUNK = 262_144
_LONGEST = 4096
_HERE = os.path.dirname(os.path.abspath(__file__))

BOOT = (
    "import os\n"
    "f=os.fdopen(0,'rb',0,closefd=False)\n"
    "n=int(f.readline())\n"
    "s=b''\n"
    "while len(s)<n:s+=f.read(n-len(s)) or os._exit(1)\n"
    "exec(compile(s,'host_python.py','exec'))"
)
"""What its command line says: it reads the rest, which is too long for one, before the first request."""


class HostPythonEndedError(Exception):
    """It has ended: with an exit code, with what it has printed as errors, and whether it had begun to answer."""

    def __init__(self, code, message, was_ready):
        super().__init__(message)
        self.code, self.message, self.was_ready = code, message, was_ready


class HostPython:
    """One Python on a host, that answers for as long as its connection lasts."""

    def __init__(self, hub, command, module, **options):
        self._hub = hub
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **options
        )
        self._input, self._output, self._errors = (
            stream.fileno() for stream in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        for stream in (self._input, self._output, self._errors):
            os.set_blocking(stream, False)
        self._numbers, self._waiting = itertools.count(), {}
        self._begun, self._message, self._is_ready = bytearray(), bytearray(), False
        self._unsent = bytearray()
        self.ended = None
        hub.watch(self._output, selectors.EVENT_READ, self._read_answers)
        hub.watch(self._errors, selectors.EVENT_READ, self._read_errors)
        with open(os.path.join(_HERE, "host_python.py"), "rb") as file:
            source = f"MODULE = {module!r}\n".encode() + file.read()
        self._send(b"%d\n" % len(source) + source)

    def ask(self, arguments, environment):
        """What the module prints and exits with there: `rc`, `stdout`, `stderr`. The worker that asks gives way.

        Raises:
            HostPythonEndedError: it was gone before it had answered.
        """
        if self.ended:
            raise HostPythonEndedError(*self.ended)
        worker, number = self._hub.current(), next(self._numbers)
        self._waiting[number] = worker
        request = {"id": number, "arguments": arguments, "environment": environment}
        self._send(json.dumps(request).encode() + b"\n")
        return self._hub.wait()

    def _send(self, text):
        self._unsent += text
        self._write()

    def _write(self, _=None):
        try:
            del self._unsent[: os.write(self._input, self._unsent)]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # why it ended is told by its output
            self._unsent.clear()
        self._hub.watch(self._input, selectors.EVENT_WRITE if self._unsent else 0, self._write)

    def _read_errors(self, _=None):
        chunk = _read(self._errors)
        if chunk == b"":
            self._hub.watch(self._errors, 0, None)
        self._message += chunk or b""
        del self._message[:-_LONGEST]
        return chunk

    def _read_answers(self, _):
        chunk = _read(self._output)
        if chunk == b"":
            self._end()
            return
        self._begun += chunk or b""
        *lines, rest = self._begun.split(b"\n")
        self._begun = bytearray(rest)
        for line in lines:
            self._take(bytes(line))

    def _take(self, line):
        if not self._is_ready:  # a login, or who becomes somebody else, may print before
            self._is_ready = line.endswith(b"runbook-host-python-is-ready")
            return
        answer = json.loads(line)
        worker = self._waiting.pop(answer.pop("id"))
        self._hub.resume(worker, answer)

    def _end(self):
        for pipe in (self._output, self._input):
            self._hub.watch(pipe, 0, None)
        code = self._process.wait()
        while self._read_errors():  # not to its end: the ssh that keeps the connection has it open as well
            pass
        self.ended = (code, self._message.decode(errors="replace"), self._is_ready)
        waiting, self._waiting = list(self._waiting.values()), {}
        for worker in waiting:
            self._hub.resume(worker, error=HostPythonEndedError(*self.ended))


def _read(pipe):
    """What is there; None where nothing is yet, and nothing at the end."""
    try:
        return os.read(pipe, _CHUNK)
    except BlockingIOError:
        return None
