"""What the audit log's file must be: in its place, private to its owner, and held by one writer at a time."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from runner.core.errors import AuditError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW
_PATIENCE = 10.0  # seconds; a writer holds the lock for one fsync
_PAUSE = 0.001  # seconds between two tries for the lock
_REPLACED = "Put the file back in its place, or find out who moved it; a command started anew begins a new log"

_CAUSES = {
    errno.ELOOP: ("it is a symbolic link", "Remove the link, and move the file it points to into its place"),
    errno.ENOTDIR: ("its directory is a symbolic link, or no directory", "Put a directory of your own in its place"),
    errno.ENOENT: ("it is not there", f"Nothing is recorded yet, or it was moved. {_REPLACED}"),
    errno.ENOSPC: ("the disk is full", "Free some space; nothing was recorded in part"),
    errno.EDQUOT: ("your disk quota is used up", "Free some space; nothing was recorded in part"),
    errno.EFBIG: ("it has reached the largest size allowed", "Raise the limit (ulimit -f), or move the log aside"),
    errno.EROFS: (
        "the file system is read-only",
        "Mount it read-write; after a disk error, look at the kernel's log first",
    ),
    errno.EIO: ("the disk reports an error", "Look at the kernel's log, and move the log to a sound disk"),
    errno.EACCES: ("you may not", "Run as the user who owns it, or give the state directory back to its owner"),
}


@contextmanager
def explained(path: Path, doing: str) -> Iterator[None]:
    """Turns every `OSError` inside into an `AuditError` that says what cannot be done to the log at `path`, and why."""
    try:
        yield
    except OSError as error:
        what, hint = _CAUSES.get(
            error.errno or 0, (error.strerror or str(error), "Repair the file system, then try again")
        )
        raise AuditError(f"Cannot {doing} the audit log {path}: {what}", hint=hint) from error


def create(path: Path) -> int:
    """A descriptor of the log at `path`; it is made when absent, 0600 in a 0700 directory, and its name is durable."""
    with explained(path, "open"):
        _make_directory(path.parent)
        with _opened(path, create=True) as (directory, _):
            os.fsync(directory)
            return os.open(path.name, _FILE, dir_fd=directory)


@contextmanager
def locked(path: Path, *, pin: int) -> Iterator[int]:
    """A descriptor of the log at `path`, held against every other writer, be it a process, a fork or a thread.

    Each use opens the file anew, because a lock belongs to one opening: threads and forks would share an older one.

    Args:
        path: the log.
        pin: a descriptor of the file that must still be the one at `path`.

    Raises:
        AuditError: the file is not that one, not private, or held by somebody else for too long.
    """
    with explained(path, "write"), _opened(path) as (directory, descriptor):
        _acquire(descriptor, fcntl.LOCK_EX, path)
        try:
            named = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
            if not all(os.path.samestat(named, os.fstat(held)) for held in (descriptor, pin)):
                raise AuditError(f"The audit log {path} was replaced by another file while in use", hint=_REPLACED)
            yield descriptor
        finally:
            # Closing is not enough: a fork made by another thread meanwhile would go on holding it.
            fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def settled(file: BinaryIO, path: Path, *, patience: float = _PATIENCE) -> Iterator[os.stat_result]:
    """The status of the log that is open as `file`, while nobody is in the middle of writing to it.

    Raises:
        AuditError: somebody was for longer than `patience` seconds.
    """
    _acquire(file.fileno(), fcntl.LOCK_SH, path, patience=patience)
    try:
        yield os.fstat(file.fileno())
    finally:
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)


def _make_directory(directory: Path) -> None:
    missing = [place for place in (directory, *directory.parents) if not os.path.lexists(place)]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
        with _descriptor(place.parent, os.O_RDONLY) as parent:
            os.fsync(parent)


@contextmanager
def _opened(path: Path, *, create: bool = False) -> Iterator[tuple[int, int]]:
    with _descriptor(path.parent, _DIRECTORY) as directory:
        _require_private(directory, path.parent)
        flags = _FILE | os.O_CREAT if create else _FILE
        with _descriptor(path.name, flags, inside=directory) as descriptor:
            _require_private(descriptor, path)
            yield directory, descriptor


@contextmanager
def _descriptor(path: Path | str, flags: int, *, inside: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o600, dir_fd=inside)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _require_private(descriptor: int, path: Path) -> None:
    status = os.fstat(descriptor)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise AuditError(f"The audit log {path} is not a regular file", hint="Move away what stands in its place")
    if status.st_uid != os.geteuid():
        raise AuditError(
            f"{path}, of the audit log, belongs to another user (id {status.st_uid})",
            hint="Run as that user, or choose a state directory of your own",
        )
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise AuditError(
            f"{path}, of the audit log, can be written by others (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"Verify the log, then: chmod go-w {path}",
        )


def _acquire(descriptor: int, kind: int, path: Path, *, patience: float = _PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                hint = f"A command may be suspended or hang on the disk; see who: fuser {path}"
                raise AuditError(f"The audit log {path} is held by another process", hint=hint) from None
            time.sleep(_PAUSE)
        else:
            return
