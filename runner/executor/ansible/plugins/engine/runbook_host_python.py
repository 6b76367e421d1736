# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's end of the Python that stays on a host: starts it, asks it, and says when it is gone."""

from __future__ import annotations

import functools
import itertools
import json
import os
import selectors
import signal
import subprocess
import time

_CHUNK = 262_144
_LONGEST = 4096
_LONGEST_ANSWER = 1 << 29
"""Bytes of a line; no module of ours prints a hundredth of that, whatever its command prints."""
_NONSENSE = 1
_LOOK = 0.002
_HERE = os.path.dirname(os.path.abspath(__file__))

_BOOT = (
    "import os\n"
    "f=os.fdopen(0,'rb',0,closefd=False)\n"
    "n=int(f.readline())\n"
    "s=b''\n"
    "while len(s)<n:s+=f.read(n-len(s)) or os._exit(1)\n"
    "exec(compile(s,'host_python.py','exec'))"
)
BOOT = f"exec({_BOOT!r})"
"""What its command line says: it reads the rest, which is too long for one, before the first request.

It is one line, as sshd may give it on in a variable of the environment, and sudo writes it down.
"""


class HostPythonEndedError(Exception):
    """It has ended: with an exit code, with what it has printed as errors, and whether it had begun to answer."""

    def __init__(self, code, message, was_ready):
        super().__init__(message)
        self.code, self.message, self.was_ready = code, message, was_ready


class StaleLoginError(Exception):
    """Whoever logs in now may be given something else than that Python was; nothing has been done."""


class UnknownModuleError(Exception):
    """That Python cannot do the module; nothing has been done."""


_NOT_DONE = {"stale": StaleLoginError, "unknown": UnknownModuleError}


class HostPython:
    """One Python on a host, that answers for as long as its connection lasts, and until it is retired."""

    def __init__(self, hub, process, taught=None):
        """What `process` leads to: one that has just been started, or one that knows the modules `taught` already."""
        self._hub, self._process = hub, process
        self._input, self._output, self._errors = (
            stream.fileno() for stream in (self._process.stdin, self._process.stdout, self._process.stderr)
        )
        for stream in (self._input, self._output, self._errors):
            os.set_blocking(stream, False)
        self._numbers, self._waiting = itertools.count(), {}
        self._begun, self._message, self._is_ready = bytearray(), bytearray(), taught is not None
        self._unsent, self._is_retired, self._taught = bytearray(), False, {*(taught or ())}
        self.ended = None
        hub.watch(self._output, selectors.EVENT_READ, self._read_answers)
        hub.watch(self._errors, selectors.EVENT_READ, self._read_errors)

    @classmethod
    def started(cls, hub, command, module, **options):
        """A new one, which the command leads to; it does `module` where it is asked for none of Ansible's."""
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        python = cls(hub, subprocess.Popen(command, **pipes, bufsize=0, **options))
        sources = {"host_forks": _text("host_forks.py"), "command": module}
        source = f"SOURCES = {sources!r}\n{_text('host_python.py')}".encode()
        python._send(b"%d\n" % len(source) + source)
        return python

    def ask(self, arguments, environment, directory=None, packed=None, soon=None):
        """What a module prints and exits with there: `rc`, `stdout`, `stderr`. The worker that asks gives way.

        The module is ours, or the one of Ansible's that is `packed`; it is done in `directory` if one is given. What is
        likely to be asked next is learned in the meantime: what `soon()` gives, if anything.

        Raises:
            HostPythonEndedError: it was gone before it had answered.
            StaleLoginError: it is to be replaced by a new one.
            UnknownModuleError: it cannot import the module.
        """
        if self.ended:
            raise HostPythonEndedError(*self.ended)
        worker, number = self._hub.current(), next(self._numbers)
        self._waiting[number] = worker
        request = {"id": number, "arguments": arguments, "environment": environment}
        if directory:
            request["directory"] = directory
        if packed:
            self._teach(packed)
            request["module"] = packed.name
        self._send(json.dumps(request).encode() + b"\n")
        if soon:
            self._hub.when_idle(lambda: self._teach(soon()))
        try:
            return self._hub.wait()
        except BaseException:
            if number in self._waiting:  # nobody waits for the answer any more, which comes nevertheless
                self._waiting[number] = None
            raise

    def _teach(self, packed):
        if packed and packed.name not in self._taught and not self._process.stdin.closed:
            self._taught.add(packed.name)
            lesson = {"learn": packed.name, "profile": packed.profile, "packed": packed.archive}
            self._send(json.dumps(lesson).encode() + b"\n")

    @property
    def is_idle(self):
        """Whether nobody waits for an answer."""
        return not self._waiting

    def look(self):
        """Find out whether it has ended since anybody has looked; whoever waits for an answer finds out by itself."""
        if self.is_idle and not self.ended and self._process.poll() is not None:
            self._end()

    def to_leave(self):
        """What another process needs to ask it: the process that leads to it, its pipes, and what it has learned.

        None where it has ended, somebody waits for an answer, or not all that it was told has been sent.
        """
        if self.ended or self._unsent or not self.is_idle:
            return None
        return self._process.pid, (self._input, self._output, self._errors), sorted(self._taught)

    def retire(self):
        """Nobody asks it any more; it ends once it has answered all that it was asked."""
        self._is_retired = True
        if self.is_idle:
            self._close(self._process.stdin)

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
            if not self.ended:
                self._take(bytes(line))
        if len(self._begun) > _LONGEST_ANSWER and not self.ended:
            self._refuse(b"a line without an end")

    def _take(self, line):
        if not self._is_ready:  # a login, or who becomes somebody else, may print before
            self._is_ready = line.endswith(b"runbook-host-python-is-ready")
            return
        try:
            number, answer = _answer(line)
            worker = self._waiting.pop(number)
        except Exception:
            self._refuse(line)
            return
        why = next((error for name, error in _NOT_DONE.items() if name in answer), None)
        if worker and why:
            self._hub.resume(worker, error=why())
        elif worker:
            self._hub.resume(worker, answer)
        if self._is_retired:
            self.retire()

    def _refuse(self, line):
        """Ask no more of what answers nonsense: whoever waits for it gets no answer."""
        self._process.kill()
        self._end(_NONSENSE, f"it answered what is no answer: {line[:200].decode(errors='replace')}")

    def _end(self, code=None, message=""):
        ended = self._process.wait()
        while self._read_errors():  # not to its end: the ssh that keeps the connection has it open as well
            pass
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            self._close(stream)
        self.ended = (code or ended, message or self._message.decode(errors="replace"), self._is_ready)
        waiting, self._waiting = list(self._waiting.values()), {}
        for worker in filter(None, waiting):
            self._hub.resume(worker, error=HostPythonEndedError(*self.ended))

    def _close(self, stream):
        if not stream.closed:
            self._hub.watch(stream.fileno(), 0, None)
            stream.close()


class LeftProcess:
    """The process `pid` with its `pipes`, as `Popen` has it; an ancestor of this process is its parent.

    That parent does not wait for it, so that its exit code stays to be read.
    """

    _STATE, _CODE = 0, 49  # proc_pid_stat(5), from the state on

    def __init__(self, pid, pipes):
        self.pid = pid
        self.stdin, self.stdout, self.stderr = map(functools.partial(os.fdopen, buffering=0), pipes, ("wb", "rb", "rb"))

    def poll(self):
        """Its exit code; None while it goes on."""
        with open(f"/proc/{self.pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return os.waitstatus_to_exitcode(int(fields[self._CODE])) if fields[self._STATE] == b"Z" else None

    def wait(self):
        """The same, once it has ended."""
        while (code := self.poll()) is None:
            time.sleep(_LOOK)
        return code

    def kill(self):
        """End it."""
        os.kill(self.pid, signal.SIGKILL)


def _answer(line):
    """The number of the request, and what is answered to it.

    Raises:
        Exception: it is no answer.
    """
    answer = json.loads(line)
    kinds = {name: type(value) for name, value in answer.items()}
    if kinds not in (
        {"id": int, "rc": int, "stdout": str, "stderr": str},
        *({"id": int, name: bool} for name in _NOT_DONE),
    ):
        raise ValueError("it is no answer")
    return answer.pop("id"), answer


def _read(pipe):
    """What is there; None where nothing is yet, and nothing at the end."""
    try:
        return os.read(pipe, _CHUNK)
    except BlockingIOError:
        return None


@functools.cache
def _text(name):
    with open(os.path.join(_HERE, name), encoding="utf-8") as file:
        return file.read()
