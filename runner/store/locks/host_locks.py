"""Locks: one run at a time on a host or a named resource; whoever comes second learns who is there, or waits."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from runner.core.duration import comes_true
from runner.core.errors import AuditError, InvalidInputError, LockedError
from runner.core.events import Clock
from runner.store.locks.holder import Blocked, Holder, blocked
from runner.store.locks.kernel_locks import LockFile

_PAUSE = 0.05
"""Seconds between two tries of somebody who waits."""

_PATIENCE = 10.0
"""Seconds to wait for a turn, which takes others microseconds."""

_TURN = "turn"
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO})
"""What says that the disk is full, read-only or broken, or that this user may not write there."""
_HINT = "--wait 10m waits for it; runbook locks shows who holds what"


class Locks:
    """The locks that lie in the directory `path`; made 0700 when absent, shared by a group when its members may write.

    All of it happens in turns: whoever has the lock of the directory takes, notes or looks, and nobody else meanwhile.
    So the first of several contenders gets all it asks for, nobody is refused because of one who is refused too, and
    who only looks is in nobody's way.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    def take(
        self,
        names: Iterable[str],
        holder: Holder,
        *,
        wait: float = 0.0,
        waiting: Callable[[Sequence[Blocked]], None] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Held:
        """All of `names`, or none.

        What the same tree of runs holds already, in this process or one that started it, is joined.

        Args:
            names: `host:...` and `lock:...`.
            holder: who takes them.
            wait: seconds to wait for those who hold them.
            waiting: told whom it waits for, at first and whenever that changes.
            cancelled: asked again and again whether to go on waiting.

        Raises:
            LockedError: somebody else holds one of them, or something is in their place.
            AuditError: the directory cannot be written: the disk is full, or read-only.
            InvalidInputError: everybody may write to the directory.
        """
        wanted, deadline = sorted(set(names)), time.monotonic() + wait
        reported: Sequence[Blocked] = ()
        while True:
            found = self._try(wanted, holder)
            if isinstance(found, Held):
                return found
            if cancelled() or time.monotonic() >= deadline:
                now = self._clock()
                raise LockedError("; ".join(each.sentence(now) for each in found), hint=_HINT)
            if found != reported:
                waiting(found)
                reported = found
            time.sleep(_PAUSE)

    def held(self) -> list[tuple[str, Holder | None]]:
        """What is held now, and by whom; None is somebody whose note cannot be read."""
        if not self.path.is_dir():
            return []
        with self._turn() as mode:
            found = [(path, *_look(path, mode)) for path in sorted(self.path.glob("*.lock"))]
        taken = {name or path.stem: holder for path, free, name, holder in found if not free}
        return sorted(taken.items(), key=lambda item: item[0])

    def _try(self, names: Sequence[str], holder: Holder) -> Held | Sequence[Blocked]:
        with self._turn() as mode, contextlib.ExitStack() as opened:
            own, joined, others = [], [], []
            for name in names:
                file = LockFile(self._path(name), mode=mode)
                opened.callback(file.close)
                _, there = Holder.read(file.read())
                if file.lock():
                    own.append((name, file, there))
                elif there and there.is_relative(holder):
                    joined.append((name, file, there))
                else:
                    others.append((name, there))
            if others:
                return blocked(others)
            for name, file, _ in (*own, *joined):
                file.write(holder.note(name))
            opened.pop_all()
            return Held(self, holder, own, joined)

    def _path(self, name: str) -> Path:
        return self.path / f"{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:32]}.lock"

    @contextlib.contextmanager
    def _turn(self) -> Iterator[int]:
        """While it lasts nobody else's does; the mode that files in the directory have."""
        try:
            mode = self._mode()
            turn = LockFile(self.path / _TURN, mode=mode)
            try:
                self._wait_for(turn)
                yield mode
            finally:
                turn.close()
        except OSError as error:
            message = f"{error.filename or self.path} cannot be locked: {error.strerror}"
            kind = AuditError if error.errno in _UNWRITABLE else LockedError  # nobody holds what nobody can write
            raise kind(message, hint="make room, or give access") from error

    def _mode(self) -> int:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = self.path.lstat().st_mode
        if not stat.S_ISDIR(mode) or mode & stat.S_IWOTH:
            hint = f"chmod o-w {self.path}, and let a group of operators own it"
            raise InvalidInputError(f"{self.path} must be a directory that not everybody may write to", hint=hint)
        return 0o660 if mode & stat.S_IWGRP else 0o600

    def _wait_for(self, turn: LockFile) -> None:
        if not comes_true(turn.lock, within=_PATIENCE, every=0.001):
            hint = f"a command may be suspended; see who: fuser {turn.path}"
            raise LockedError(f"{self.path} is in use all the time", hint=hint)


def _look(path: Path, mode: int) -> tuple[bool, str, Holder | None]:
    file = LockFile(path, mode=mode)
    try:
        return (file.lock(), *Holder.read(file.read()))
    finally:
        file.close()


_Taken = tuple[str, LockFile, Holder | None]


class Held:
    """Locks that are held until they are released, or this process ends.

    `left_by` are holders who died with one of them: what they had started may still be going on.
    """

    def __init__(self, locks: Locks, holder: Holder, own: Sequence[_Taken], joined: Sequence[_Taken]) -> None:
        self.names = tuple(sorted(name for name, _, _ in (*own, *joined)))
        self.left_by = tuple(dict.fromkeys(there for _, _, there in own if there))
        self._locks, self._holder, self._own, self._joined = locks, holder, own, joined
        self._pid = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def update(self, *, step: str) -> None:
        """Let others know that the run has come to `step`.

        Raises:
            LockedError: a lock's file was removed or replaced, so that others may hold the same.
        """
        self._holder = replace(self._holder, step=step)
        with self._locks._turn():  # noqa: SLF001 - they are one thing
            for name, file, _ in (*self._own, *self._joined):
                if not file.is_in_place():
                    hint = f"find out who removed {file.path}; the kernel frees a lock when its holder ends"
                    raise LockedError(f"{name} is no longer held: its file is gone", hint=hint)
                with contextlib.suppress(OSError):  # it is held all the same, only with an older note
                    file.write(self._holder.note(name))

    def release(self) -> None:
        """Give them back; what was joined goes on being held by whoever held it before."""
        if self._pid != os.getpid():
            return
        own, joined, self._own, self._joined = self._own, self._joined, (), ()
        with contextlib.ExitStack() as closing:
            for _, file, _ in (*own, *joined):
                closing.callback(file.close)
            with contextlib.suppress(LockedError, InvalidInputError, AuditError), self._locks._turn():  # noqa: SLF001
                for name, file, there in joined:
                    file.write(there.note(name) if there else "")
                for _, file, _ in own:
                    file.write("")
