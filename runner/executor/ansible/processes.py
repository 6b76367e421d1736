"""Linux processes: who descends from whom, who carries a marker, and how all of them are ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from runner.core.process_stat import is_alive, started

MARKER = "RUNBOOK_ATTEMPT"
"""The environment variable by which what a run started is found again, here and on the hosts.

It holds the run's id in what does the run, and that id with more behind it in what one attempt at a step has started.
"""

SHORT = 0.3
"""Seconds in which what nobody waits for any more may tidy up before it is killed."""

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
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


def rename(name: str) -> None:
    """Be called by `name`, as far as there is room for it: its command line stays that of whoever has forked it."""
    _prctl(_PR_SET_NAME, name.encode())


def name_of(pid: int) -> str:
    """What a process is called by; the first 15 characters."""
    return _read(pid, "comm").decode(errors="replace").rstrip("\n")


def _prctl(option: int, value: int | bytes) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def descendants(pid: int) -> list[int]:
    """All living descendants of `pid`, parents before children."""
    living, queue = [], [pid]
    while queue:
        for child in _children(queue.pop(0)):
            queue.append(child)
            if is_alive(child):
                living.append(child)
    return living


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            children.extend(int(word) for word in (task / "children").read_text().split())
    return children


def belonging(markers: Collection[str], roots: Iterable[int] = ()) -> list[int]:
    """The processes of this machine that carry one of `markers`, `roots`, and all their descendants.

    Another environment or session does not take a descendant out of it. This process is never among them, nor are its
    descendants because of a marker that it carries itself: what an ended step has left behind may be one of them.
    """
    entries = {f"{MARKER}={marker}".encode() for marker in markers}
    others = (pid for pid in _all() if pid != os.getpid())
    marked = [pid for pid in others if entries.intersection(_read(pid, "environ").split(b"\0"))]
    pids = {pid for root in (*marked, *roots) for pid in (root, *descendants(root))}
    return sorted(pid for pid in pids if pid != os.getpid() and is_alive(pid))


def naming(text: str) -> list[int]:
    """The processes of this machine whose command line holds `text`, this one excepted.

    The ssh that keeps a connection open is found by it: it has written its title over its environment.
    """
    encoded = os.fsencode(text)
    return [pid for pid in _all() if encoded in _read(pid, "cmdline") and pid != os.getpid() and is_alive(pid)]


def _all() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    """What the file `name` of a process holds; nothing when it has ended, or is another user's."""
    try:
        return (_PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def end(pids: Callable[[], Iterable[int]], *, grace: float) -> None:
    """Ask every process that `pids()` names to stop, wait `grace` seconds, then kill what is left until nothing is.

    Whoever was named once is ended, also when the death of its parent hides it from `pids()`.
    """
    starts: dict[int, int | None] = {}

    def left() -> list[int]:
        reap()
        starts.update({pid: started(pid) for pid in pids()})
        return [pid for pid, start in starts.items() if start is not None and start == started(pid)]

    _signal(left(), signal.SIGTERM)
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline and left():
        time.sleep(0.02)
    for _ in range(250):
        if not (pids_left := left()):
            break
        _signal(pids_left, signal.SIGKILL)
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
