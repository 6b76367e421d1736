"""Linux processes: who descends from whom, who carries a run's marker, and how all of them are ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

MARKER = "RUNBOOK_RUN_ID"
"""The environment variable by which everything that a run started is found again, here and on the hosts."""

SHORT = 0.3
"""Seconds in which what nobody waits for any more may tidy up before it is killed."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")


def adopt_orphans() -> None:
    """From now on, a descendant whose parent dies becomes a child of this process instead of init's."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """From now on, this process is killed when `parent` dies; it ends at once when that has already happened."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def descendants(pid: int) -> list[int]:
    """All living descendants of `pid`, parents before children."""
    found, queue = [], [pid]
    while queue:
        for child in _children(queue.pop(0)):
            queue.append(child)
            if is_alive(child):
                found.append(child)
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            children.extend(int(word) for word in (task / "children").read_text().split())
    return children


def is_alive(pid: int) -> bool:
    """Whether `pid` runs; a zombie does not."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def carrying(run_id: str) -> list[int]:
    """The processes of this machine that carry the marker of run `run_id`, this one excepted."""
    wanted = f"{MARKER}={run_id}".encode()
    found = []
    for entry in _PROC.iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid() and is_alive(pid)]


def naming(text: str) -> list[int]:
    """The processes of this machine whose command line holds `text`, this one excepted.

    The ssh that keeps a connection open is found by it: it has written its title over its environment.
    """
    wanted, found = os.fsencode(text), []
    for entry in _PROC.iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return [pid for pid in found if pid != os.getpid() and is_alive(pid)]


def end(pids: Callable[[], Iterable[int]], *, grace: float) -> None:
    """Ask every process that `pids()` names to stop, wait `grace` seconds, then kill what is left until nothing is."""
    _signal(pids(), signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and list(pids()):
        reap()
        time.sleep(0.02)
    for _ in range(250):
        left = list(pids())
        if not left:
            break
        _signal(left, signal.SIGKILL)
        reap()
        time.sleep(0.02)
    reap()


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def reap() -> None:
    """Collect every child that has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
