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
from dataclasses import replace

from runner.core.deferred import dataclass
from runner.core.duration import comes_true
from runner.core.process_stat import is_alive, parent
from runner.executor.ansible import processes

_LONGEST = 1 << 18
"""Bytes of what is told of one; most of it is the command line that leads to it."""
_PIPES, _EVERY = 3, 0.002


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
        text = json.dumps([[*key], pid, [*taught]]).encode()
        if any(each.pid == pid for each in self.left):  # whoever is told has its pipes
            self._there.send(text)
        else:
            socket.send_fds(self._there, [text], [*pipes])

    def receive(self) -> bool:
        """Take one that the part leaves; whether there was one."""
        try:
            text, pipes, _, _ = socket.recv_fds(self._here, _LONGEST, _PIPES)
        except BlockingIOError:
            return False
        key, pid, taught = json.loads(text)
        self._told.append(LeftPython(tuple(key), pid, tuple(pipes), tuple(taught)))
        return True

    def settle(self, *, keep: bool) -> None:
        """The part has ended: what it has not left is let go, and if they are not to be kept, all are."""
        while self.receive():
            pass
        pipes = {each.pid: each.pipes for each in self.left}
        told = [replace(each, pipes=each.pipes or pipes.get(each.pid, ())) for each in self._told] if keep else []
        kept = [each for each in told if _is_there(each)]
        opened = {pipe for each in (*self.left, *self._told) for pipe in each.pipes}
        for pipe in opened.difference(*(each.pipes for each in kept)):
            os.close(pipe)
        self.left, self._told = kept, []

    def end(self) -> None:
        """Let all go, and wait until they are gone: each ends with its pipe."""
        let_go = self.left
        self.settle(keep=False)
        if not comes_true(lambda: not any(map(_is_ours, let_go)), within=processes.SHORT, every=_EVERY):
            for each in filter(_is_ours, let_go):
                os.kill(each.pid, signal.SIGKILL)

    def close(self) -> None:
        """The same, as no part follows."""
        self.end()
        for end in (self._here, self._there):
            end.close()


def _is_there(left: LeftPython) -> bool:
    """Whether it can be asked; where too many files are open, the system gives no pipes of it."""
    return len(left.pipes) == _PIPES and _is_ours(left)


def _is_ours(left: LeftPython) -> bool:
    """Whether it goes on; one that was waited for may have given its number to another process."""
    return parent(left.pid) == os.getpid() and is_alive(left.pid)
