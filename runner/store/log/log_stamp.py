"""The stamp of a log: while it fits the file, only this product has written there since the log was last followed.

The stamp is a small file beside the log, with the log's inode, size and time of last change as the last append left
them, and the name of the check that it goes back to. Each append carries it on if it fitted before. Whoever else writes
to the log, be it the same bytes, changes that time, which no program can set; only what comes within the same tick of
the kernel's clock as an append (milliseconds at most) goes unseen. It is no seal: who may write to the log may write
the stamp too. It is read and written only while the log is locked, and may be removed at any time.
"""

import contextlib
import os
from pathlib import Path

_NAME = "audit.stamp"
_LONGEST = 256


def check_of(log: Path, status: os.stat_result) -> str:
    """The name of the check that the stamp of `log` goes back to; empty when it does not fit the file's `status`."""
    try:
        descriptor = os.open(log.with_name(_NAME), os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        fitting, _, rest = os.read(descriptor, _LONGEST).decode(errors="replace").partition(" ")
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    check, end, _ = rest.partition("\n")
    return check if end and fitting == _fingerprint(status) else ""


def write(log: Path, status: os.stat_result, check: str) -> None:
    """Stamp `log`, whose file has that `status`, with the name of the `check` that it goes back to, if that can be."""
    line = f"{_fingerprint(status)} {check}\n".encode()
    with contextlib.suppress(OSError):
        descriptor = os.open(log.with_name(_NAME), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            os.pwrite(descriptor, line, 0)
        finally:
            os.close(descriptor)


def new_check(status: os.stat_result) -> str:
    """A name for a check that begins now, over a file with that `status`."""
    return f"{_fingerprint(status)}/{os.getpid()}"


def _fingerprint(status: os.stat_result) -> str:
    return f"{status.st_dev}-{status.st_ino}-{status.st_size}-{status.st_ctime_ns}"
