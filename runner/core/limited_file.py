"""The one way in which a file that somebody else has put there is opened: nothing blocks, and nothing has no end."""

import os
import stat
from pathlib import Path

from runner.core.errors import InvalidInputError

_AT_A_TIME = 1 << 16
"""Bytes that are asked for: room for most files, and not so much that the system clears a new page for each file."""

_SORTS = {stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}


def read_limited(path: Path, most: int) -> bytes:
    """The bytes of the file at `path`, or one more than `most`; that is enough to know that it is too large.

    Raises:
        InvalidInputError: it is no file or cannot be read; the message goes on after the name of the file.
    """
    try:
        # A pipe that nobody writes to would block even while it is opened.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _explained(path, error) from None
    try:
        sort = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if sort != stat.S_IFREG:
            raise InvalidInputError(f"is {_SORTS.get(sort, 'a device')}, not a file")
        data = b""
        while len(data) <= most and (part := os.read(descriptor, _AT_A_TIME)):
            data += part
        return data[: most + 1]
    except OSError as error:
        raise _explained(path, error) from None
    finally:
        os.close(descriptor)


def _explained(path: Path, error: OSError) -> InvalidInputError:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return InvalidInputError(f"is a link to {path.readlink()}, which is not there")
    hint = "give yourself the right to read it" if isinstance(error, PermissionError) else ""
    return InvalidInputError(f"cannot be read: {error.strerror}", hint=hint)
