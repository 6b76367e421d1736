"""Small files that must be kept whatever the disk does: where it takes none, they are in memory for the time being."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from runner.store import durable

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own below it, which is checked
"""A file system in memory that every Linux has, and that a hardened unit of systemd may write to as well."""

_NO_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM})
"""What a disk says that is full, read-only, broken, or not for this user."""


class SmallFiles:
    """The files `NAME.json` in the directory `path`, or in `memory` until the machine restarts.

    The one in memory is newer where both are there: it is removed as soon as the disk takes it. There it stands in a
    directory that belongs to this user, and that nobody else can read.
    """

    def __init__(self, path: Path, memory: Path = MEMORY) -> None:
        self.path = path
        digest = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
        self._ours = memory / f"runbookctl-{os.geteuid()}"
        self._spare = self._ours / digest

    def write(self, name: str, text: str | bytes) -> None:
        """Keep `text` under `name`; durable on return, unless it is in memory.

        Raises:
            AuditError: it can be kept nowhere.
        """
        with durable.required(self.path):
            try:
                _write(self.path, name, text)
            except OSError as error:
                if error.errno not in _NO_DISK or not self._keep_in_memory(name, text):
                    raise
            else:
                self._forget_in_memory(name)

    def read(self, name: str) -> bytes:
        """What is kept under `name`.

        Raises:
            OSError: nothing is, or it cannot be read.
        """
        return (self._in_memory(name) or self.file(name)).read_bytes()

    def file(self, name: str) -> Path:
        """Where `name` stands on the disk."""
        return self.path / f"{name}.json"

    def where(self, name: str) -> Path | None:
        """Where `name` is kept; None where it is not."""
        return self._in_memory(name) or (self.file(name) if self.file(name).exists() else None)

    def is_in_memory(self, name: str) -> bool:
        """Whether `name` is kept until the machine restarts only."""
        return self._in_memory(name) is not None

    def names(self) -> list[str]:
        """Everything that is kept."""
        return sorted({each.stem for place in self._places() for each in place.glob("*.json")})

    def remove(self, name: str) -> None:
        """Keep `name` no longer.

        Raises:
            OSError: the disk cannot be written to.
        """
        self._forget_in_memory(name)
        self.file(name).unlink(missing_ok=True)

    def _keep_in_memory(self, name: str, text: str | bytes) -> bool:
        with suppress(OSError):
            self._ours.mkdir(mode=0o700, exist_ok=True)
            if self._is_ours():
                _write(self._spare, name, text)
                return True
        return False

    def _forget_in_memory(self, name: str) -> None:
        if spare := self._in_memory(name):
            spare.unlink(missing_ok=True)
            with suppress(OSError):  # another one is there
                self._spare.rmdir()

    def _in_memory(self, name: str) -> Path | None:
        file = self._spare / f"{name}.json"
        return file if self._is_ours() and file.exists() else None

    def _places(self) -> Iterator[Path]:
        yield from (self._spare,) if self._is_ours() else ()
        yield self.path

    def _is_ours(self) -> bool:
        """Whether nobody else has made the directory in memory, or can read it."""
        with suppress(OSError):
            status = self._ours.lstat()
            return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
        return False


def _write(directory: Path, name: str, text: str | bytes) -> None:
    directory.mkdir(mode=0o700, exist_ok=True)
    durable.write(directory / f"{name}.json", text)
