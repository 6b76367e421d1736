"""The Pythons on hosts that one part of a run leaves to the next; the supervisor has their pipes in the meantime.

A part is a fork of the supervisor, which adopts what the fork has started. So it tells the supervisor, at its end,
which of them wait for no more than the next request, and gives it their pipes: the next fork has them as its own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Sequence

from runner.core.deferred import dataclass
from runner.core.duration import comes_true
from runner.core.process_stat import is_alive, parent
from runner.executor.ansible import processes

_LONGEST = 1 << 18
"""Bytes of what is told of one; most of it is the command line that leads to it."""
_EVERY = 0.002


@dataclass(frozen=True, slots=True)
class LeftPython:
    """The process `pid` that leads to a Python: `pipes` are to it, from it, and of its errors.

    It is found again by its `key`, which says how it is reached, and knows the modules `taught`.
    """

    key: tuple[str, ...]
    pid: int
    pipes: tuple[int, ...]
    taught: tuple[str, ...]


class LeftPythons:
    """Those that the parts so far have `left`, here and in each fork of this process."""

    def __init__(self) -> None:
        self.left: list[LeftPython] = []
        self._told: list[LeftPython] = []
        self._here, self._there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._here.settimeout(0)

    def fileno(self) -> int:
        """What can be read while a part leaves one."""
        return self._here.fileno()

    @property
    def descriptors(self) -> list[int]:
        """The files that a part needs for them, besides those of its own."""
        return [self._there.fileno(), *(pipe for each in self.left for pipe in each.pipes)]

    def leave(self, key: Sequence[str], pid: int, pipes: Sequence[int], taught: Sequence[str]) -> None:
        """In the fork that is the part: leave it to the next."""
        socket.send_fds(self._there, [json.dumps([[*key], pid, [*taught]]).encode()], [*pipes])

    def receive(self) -> bool:
        """Take one that the part leaves; whether there was one."""
        try:
            text, pipes, _, _ = socket.recv_fds(self._here, _LONGEST, 3)
        except BlockingIOError:
            return False
        key, pid, taught = json.loads(text)
        self._told.append(LeftPython(tuple(key), pid, tuple(pipes), tuple(taught)))
        return True

    def settle(self, *, keep: bool) -> None:
        """The part has ended: what it has not left is let go, and if they are not to be kept, all are."""
        while self.receive():
            pass
        # One that has ended, and so been waited for, may have given its number to another process.
        kept = [each for each in self._told if keep and parent(each.pid) == os.getpid() and is_alive(each.pid)]
        for each in (*self.left, *(told for told in self._told if told not in kept)):
            for pipe in each.pipes:
                os.close(pipe)
        self.left, self._told = kept, []

    def end(self) -> None:
        """Let all go, and wait until they are gone: each ends with its pipe."""
        pids = [each.pid for each in self.left]
        self.settle(keep=False)
        ended = lambda: not any(parent(pid) == os.getpid() and is_alive(pid) for pid in pids)  # noqa: E731
        if not comes_true(ended, within=processes.SHORT, every=_EVERY):
            for pid in pids:
                if parent(pid) == os.getpid():
                    os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """The same, as no part follows."""
        self.end()
        for end in (self._here, self._there):
            end.close()
