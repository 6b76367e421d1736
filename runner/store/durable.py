"""A small file that is replaced as a whole: after a crash it is the old one or the new one."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.core.errors import AuditError

UNFINISHED = ".new"
"""The end of the name of a file that is being written; nobody reads what a killed writer has left of it."""


@contextlib.contextmanager
def required(path: Path, *, hint: str = "make room, or use --state-dir") -> Iterator[None]:
    """Turns every `OSError` inside into an `AuditError` about `path`: nothing goes on without what is written there."""
    try:
        yield
    except OSError as error:
        raise AuditError(f"{path}: {error.strerror}", hint=hint) from error


def keep(path: Path, text: str | bytes) -> None:
    """`write` into a directory that nobody else can look into, which is made where it is not there.

    Raises:
        AuditError: it cannot be kept.
    """
    with required(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write(path, text)


def write(path: Path, text: str | bytes, *, keep_mode: bool = False, lasting: bool = True) -> None:
    """Put `text` into the file at `path`; durable on return, unless it need not be `lasting`.

    A file that is there may keep its mode.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    temporary = path.with_name(path.name + UNFINISHED)
    try:
        with temporary.open("wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        if keep_mode and path.exists():
            temporary.chmod(path.stat().st_mode & 0o7777)
    except BaseException:
        temporary.unlink(missing_ok=True)  # half a file is of no use, and takes room that is needed
        raise
    temporary.replace(path)
    if lasting:
        sync(path.parent)


def extend(path: Path, addition: Callable[[str], str]) -> None:
    """Append to the file at `path` what `addition` says of its text, all of it or nothing; durable on return.

    Whoever appends in this way at the same time waits, and then sees what was appended. What is there is not changed.

    Raises:
        OSError: it cannot be written; it is as it was.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not os.path.samestat(os.fstat(descriptor), path.stat()):
                continue  # somebody has put another file in its place meanwhile
            before = file.readall()
            text = addition(before.decode(errors="replace")).encode(errors="replace")
            apart = b"\n" if text and before and not before.endswith(b"\n") else b""
            _append(descriptor, apart + text, len(before))
            return


def _append(descriptor: int, content: bytes, size: int) -> None:
    """Append `content` to a file of that `size`, which keeps it where not all of it can be written."""
    is_whole = False
    try:
        count = os.write(descriptor, content)
        os.fsync(descriptor)
        is_whole = count == len(content)
    finally:
        if not is_whole:
            os.ftruncate(descriptor, size)
    if not is_whole:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def sync(directory: Path) -> None:
    """Make what was created, renamed or removed in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
