"""A small file that is replaced as a whole: after a crash it is the old one or the new one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
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


def write(path: Path, text: str | bytes, *, keep_mode: bool = False) -> None:
    """Put `text` into the file at `path`; durable on return. A file that is there may keep its mode.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    temporary = path.with_name(path.name + UNFINISHED)
    try:
        with temporary.open("wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        if keep_mode and path.exists():
            temporary.chmod(path.stat().st_mode & 0o7777)
    except BaseException:
        temporary.unlink(missing_ok=True)  # half a file is of no use, and takes room that is needed
        raise
    temporary.replace(path)
    sync(path.parent)


def sync(directory: Path) -> None:
    """Make what was created, renamed or removed in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
