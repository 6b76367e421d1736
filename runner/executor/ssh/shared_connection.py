"""A host reached by OpenSSH itself, as Ansible does it: where that works the host is well.

The connection is opened where Ansible looks for it, so that it is made once, for the check and for the run. What is
wrong where it fails is not asked here: OpenSSH says that for people, and some of what it prints is another program's.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Self

from runner.executor.host_check import HostCheck, NotCheckedError, UnfitError
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.python_interpreter import try_users
from runner.executor.ssh.program_output import read_within
from runner.executor.ssh.ssh_settings import arguments, program, settings_of

REACHED = ("reachable", "host key", "login", "shell")
"""What is known to be good of a host on which a command has run."""

MARK, SAY_MARK = "runbook-preflight-ok", "echo runbook-preflight'-ok'"
"""What a shell prints, and how it is told so: who only repeats its orders does not print it."""
_CONNECT, _ANSWER = 3, 8.0
"""Seconds to connect, and for a command; what takes longer is looked at closer, for as long as its settings say."""
_AT_A_TIME = 8
"""Connections that are made at a time, for each processor: the keys that are agreed on cost it a tenth of a second."""

_HARMLESS = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "UpdateHostKeys=no")
"""Options by which nothing is asked of a person, and no file of known hosts is written."""


class _UnclearError(Exception):
    """It did not work, or not in time."""


class SharedConnections:
    """Those of one run, whose Ansible keeps their sockets in the directory `sockets`; without one, none are made.

    At the end of its block nothing waits for a host any more, and it `is_over`; the connections stay.
    """

    def __init__(self, sockets: Path | None, environ: Mapping[str, str]) -> None:
        self._sockets, self._environ = sockets, dict(environ)
        self._lock, self._running, self.is_over = threading.Lock(), set[subprocess.Popen[bytes]](), False
        self._turn = threading.Semaphore(_AT_A_TIME * (os.cpu_count() or 1))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.is_over = True
            for process in self._running:
                _kill(process)

    def check(self, facts: ConnectionFacts, *, become: Collection[str] | None) -> HostCheck | None:
        """What is known of a host that is well; None where a closer look must find out, or nothing could be shared."""
        try:
            with self._turn:
                return self._check(facts, become)
        except (_UnclearError, NotCheckedError, UnfitError, OSError, ValueError):
            return None

    def _check(self, facts: ConnectionFacts, become: Collection[str] | None) -> HostCheck:
        run_command = partial(self._run, self._command_line(facts))
        if become is None:
            run_command("true")
            return HostCheck(facts.host, REACHED)
        user, passed = facts.user or settings_of(facts, self._environ).user, [*REACHED]
        try:
            passed.extend(try_users(facts, run_command, user, become))
        except NotCheckedError as error:
            run_command("true")  # what is left to Ansible may be so before anything is done there
            return HostCheck(facts.host, tuple(passed), left=str(error))
        return HostCheck(facts.host, tuple(passed))

    def _command_line(self, facts: ConnectionFacts) -> list[str]:
        """What opens the connection that Ansible would open, or uses it; nothing is asked of a person.

        Raises:
            _UnclearError: Ansible would go another way, or not keep the connection where this one is.
        """
        if (
            not (self._sockets and facts.over_ssh and facts.socket)
            or facts.strange
            or facts.password
            or facts.inline_key
        ):
            raise _UnclearError
        if facts.shell_type not in {None, "sh", "bash"}:
            raise _UnclearError
        given = arguments(facts)
        options = " ".join(given).lower()
        if "controlpersist" not in options or "controlpath" in options:
            raise _UnclearError
        first = ["-o", f"ConnectTimeout={min(_CONNECT, facts.timeout)}", *_HARMLESS]
        shared = ["-o", f'ControlPath="{self._sockets / facts.socket}"']
        return [program(facts), *first, *given, *shared, "--", facts.address or facts.host]

    def _run(self, command_line: list[str], command: str) -> str:
        """What a command prints on the host, both its outputs.

        Raises:
            _UnclearError: it was not done, or not in time.
        """
        with self._started([*command_line, f"{SAY_MARK}; {command}"]) as process:
            assert process.stdout  # noqa: S101 - it was asked for
            output, is_all = read_within(process.stdout, _ANSWER)
            if not is_all:
                _kill(process)
        _, mark, answer = output.partition(f"{MARK}\n")
        if not (mark and is_all):
            raise _UnclearError
        return answer

    @contextmanager
    def _started(self, command_line: list[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Its process, which does not outlast the block, nor that of these connections.

        In a session of its own it has no terminal on which it could ask, and gets nothing of what is typed there.
        """
        with self._lock:
            if self.is_over:
                raise _UnclearError
            process = subprocess.Popen(
                command_line,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
        try:
            yield process
        finally:
            with self._lock, process:
                self._running.discard(process)
                process.kill()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it and the program that is its way to the host, which may wait for ever; one that has ended is let be."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
