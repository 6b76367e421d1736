"""The command's side of its supervisor: starts it, has it do one part after the other, and ends what it leaves."""

from __future__ import annotations

import contextlib
import math
import os
import select
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO

from runner.core.deferred import dataclass
from runner.executor.ansible import processes
from runner.executor.ansible.ansible_settings import settings
from runner.executor.ansible.messages import PlaybookInvocation
from runner.executor.ansible.supervisor import CANCEL, GRACE
from runner.executor.ansible.teardown import REAP_LIMIT, tear_down, unfinished
from runner.executor.job import Cancellation, Ending

_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for what may hang.

    `inventory` is for Ansible to read the inventory, as a script of it may hang; `stop` for a supervisor that is asked
    to stop, as it may have been stopped itself; `supervisor` for one whose command died.
    """

    inventory: float = 60.0
    stop: float = GRACE + REAP_LIMIT + 4.0
    supervisor: float = GRACE + REAP_LIMIT + 2.0


class Supervision:
    """The supervisor of one run, in its workspace: it does one invocation after the other, until it is closed.

    One that has died is replaced by another when the next comes.
    """

    def __init__(
        self, run_id: str, workspace: Path, environ: Mapping[str, str], *, python: str, cache: Path | None = None
    ) -> None:
        self.run_id, self.workspace, self.environ = run_id, workspace, environ
        self._cache, self._python, self._is_used, self._is_closed = cache, python, False, False
        processes.adopt_orphans()
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        words = ["-P", "-m", "runner.executor.ansible.supervisor", self.run_id, str(self.workspace)]
        words += [str(self._cache)] if self._cache else []
        return subprocess.Popen(
            [self._python, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**self.environ, **settings(self.workspace), processes.MARKER: self.run_id},
            cwd=self.workspace,
            start_new_session=True,
        )

    def do(
        self,
        invocation: PlaybookInvocation,
        cancellation: Cancellation,
        connected: threading.Event,
        *,
        limits: Limits,
    ) -> Ending:
        """Have the supervisor do `invocation`; how it ended.

        `connected` is set once Ansible has read the inventory.
        """
        if self._process.poll() is not None:
            self._close()
            self._process = self._start()
        self._is_used = True
        report, unread = b"", False
        with contextlib.suppress(BrokenPipeError):  # it may die at any moment
            _write(self._process, invocation.dumps().encode() + b"\n")
            report, unread = _listen(self._process, cancellation, connected, limits)
        if report:
            ending = Ending.loads(report.decode())
            return replace(ending, why="unread") if unread else ending
        # It died before it could report: what it supervised is ours to end now.
        code = self._close()
        left = partial(unfinished, self.workspace)
        tear_down(invocation, self.environ, left, grace=processes.SHORT)
        return Ending("orphaned", code)

    def serves(self, run_id: str, environ: Mapping[str, str]) -> bool:
        """Whether it is there for the run of that id, whose environment is this one."""
        return not self._is_closed and (self.run_id, self.environ) == (run_id, environ)

    def close(self) -> None:
        """Nothing more comes: it ends, if it has not yet."""
        self._is_closed = True
        if not self._is_used:
            self._process.kill()  # it has nothing to end, and may still be importing
        self._close()

    def _close(self) -> int:
        """Close its pipes and wait for its end; its exit code."""
        for pipe in _pipes(self._process):
            with contextlib.suppress(BrokenPipeError):  # what was not written yet is written once more
                pipe.close()
        return self._process.wait()


def _pipes(supervisor: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert supervisor.stdin  # noqa: S101 - it was asked for
    assert supervisor.stdout  # noqa: S101 - it was asked for
    return supervisor.stdin, supervisor.stdout


def _write(supervisor: subprocess.Popen[bytes], order: bytes) -> None:
    orders, _ = _pipes(supervisor)
    orders.write(order)
    orders.flush()


def _listen(
    supervisor: subprocess.Popen[bytes], cancellation: Cancellation, connected: threading.Event, limits: Limits
) -> tuple[bytes, bool]:
    """The line in which the supervisor reports, and whether it was asked to stop as nobody `connected` in time.

    The line is empty where it has died.
    """
    _, reports = _pipes(supervisor)
    report, answered, unread = b"", cancellation.answered, False
    read_by, stopped_by = time.monotonic() + limits.inventory, math.inf
    while True:
        readable, _, _ = select.select([reports], [], [], _POLL)
        if readable:
            chunk = os.read(reports.fileno(), 65536)
            report += chunk
            if not chunk or report.endswith(b"\n"):
                return report if chunk else b"", unread
        requests = cancellation.asked()
        late = not unread and not connected.is_set() and time.monotonic() >= read_by
        if requests > max(answered, 1) or time.monotonic() >= stopped_by:
            supervisor.kill()  # no grace: what it leaves is ended by whoever waits for it
        if requests > answered or late:
            answered, unread, stopped_by = requests, unread or late, min(stopped_by, time.monotonic() + limits.stop)
            with contextlib.suppress(BrokenPipeError):  # it has just ended: its report is still to be read
                _write(supervisor, CANCEL)
