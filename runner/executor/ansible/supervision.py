"""The command's side of its supervisor: starts it, asks it to stop, and ends what it leaves."""

from __future__ import annotations

import contextlib
import math
import os
import select
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO

from runner.executor.ansible import processes
from runner.executor.ansible.messages import PlaybookInvocation
from runner.executor.ansible.supervisor import GRACE
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


def supervise(
    invocation: PlaybookInvocation,
    environ: Mapping[str, str],
    cancellation: Cancellation,
    connected: threading.Event,
    *,
    python: str,
    limits: Limits,
) -> Ending:
    """Have a supervisor do `invocation` in the environment `environ`; how it ended.

    `connected` is set once Ansible has read the inventory.
    """
    processes.adopt_orphans()
    supervisor = subprocess.Popen(
        [python, "-P", "-m", "runner.executor.ansible.supervisor", invocation.run_id, invocation.workspace],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(environ),
        cwd=invocation.workspace,
        start_new_session=True,
    )
    report, unread = b"", False
    orders, reports = _pipes(supervisor)
    # It may die at any moment, and what was not written yet is written once more when its pipe is closed.
    with contextlib.suppress(BrokenPipeError), orders, reports:
        orders.write(invocation.dumps().encode() + b"\n")
        orders.flush()
        report, unread = _listen(supervisor, cancellation, connected, limits)
    supervisor.wait()
    if report.endswith(b"\n"):
        ending = Ending.loads(report.decode())
        return replace(ending, why="unread") if unread else ending
    # It died before it could report: what it supervised is ours to end now.
    left = partial(unfinished, Path(invocation.workspace))
    tear_down(invocation, environ, left, grace=processes.SHORT)
    return Ending("orphaned", supervisor.returncode)


def _pipes(supervisor: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert supervisor.stdin  # noqa: S101 - it was asked for
    assert supervisor.stdout  # noqa: S101 - it was asked for
    return supervisor.stdin, supervisor.stdout


def _listen(
    supervisor: subprocess.Popen[bytes], cancellation: Cancellation, connected: threading.Event, limits: Limits
) -> tuple[bytes, bool]:
    """What the supervisor reports when it has ended, and whether it was stopped as nobody `connected` in time."""
    orders, reports = _pipes(supervisor)
    report, answered, unread = b"", cancellation.answered, False
    read_by, stopped_by = time.monotonic() + limits.inventory, math.inf
    while True:
        readable, _, _ = select.select([reports], [], [], _POLL)
        if readable:
            chunk = os.read(reports.fileno(), 65536)
            if not chunk:
                return report, unread
            report += chunk
        requests = cancellation.asked()
        late = not unread and not connected.is_set() and time.monotonic() >= read_by
        if requests > max(answered, 1) or time.monotonic() >= stopped_by:
            supervisor.kill()  # no grace: what it leaves is ended by whoever waits for it
        if requests > answered or late:
            answered, unread, stopped_by = requests, unread or late, min(stopped_by, time.monotonic() + limits.stop)
            with contextlib.suppress(BrokenPipeError):  # it has just ended: its report is still to be read
                orders.write(b"cancel\n")
                orders.flush()
