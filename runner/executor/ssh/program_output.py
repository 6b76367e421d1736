"""What a program prints within a time that it is given: it may hang, or print without an end."""

import os
import select
import time
from typing import IO

_MOST = 65536
"""Bytes that are kept."""


def read_within(stream: IO[bytes], seconds: float) -> tuple[str, bool]:
    """What comes on `stream` within so many seconds, and whether that was all: it has ended, and was not too long."""
    output, until = b"", time.monotonic() + seconds
    while len(output) < _MOST and select.select([stream], [], [], max(0.0, until - time.monotonic()))[0]:
        if not (chunk := os.read(stream.fileno(), _MOST)):
            return output.decode(errors="replace"), True
        output += chunk
    return output.decode(errors="replace"), False
