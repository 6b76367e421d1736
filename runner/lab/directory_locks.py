"""A lock on a directory: the kernel's, so that it goes with its holder and can never be stale."""

import fcntl
import os
from pathlib import Path


def lock(directory: Path, operation: int) -> int:
    """The file descriptor that holds the flock `operation` on `directory` until it is closed.

    Raises:
        OSError: `directory` is no directory (any more), or `operation` has LOCK_NB and somebody else holds it.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
