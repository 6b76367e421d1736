"""The lines of an audit log that is read from disk; where one is not what belongs there, the error names it."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from runner.core.errors import BrokenLogError
from runner.store.log import chain, envelope
from runner.store.log.chain import Head
from runner.store.log.envelope import Record

TORN = "A writer was killed, or the end was cut off. The next command that records cuts the line and reports it"
ASIDE = (
    "Keep the file as evidence, and find out who wrote to it; meanwhile --state-dir names another place to record in"
)


def lines_of(file: BinaryIO, *, up_to: float = float("inf")) -> Iterator[bytes]:
    """The lines of `file` from where it stands, in the next `up_to` bytes; one without an end may be the last."""
    while up_to > 0 and (line := file.readline(chain.MAX_LINE)):
        up_to -= len(line)
        yield line


def is_torn(line: bytes) -> bool:
    """Whether `line` has no end: it is being written, or its writer was killed."""
    return len(line) < chain.MAX_LINE and not line.endswith(b"\n")


def follow(head: Head, line: bytes, path: Path) -> Head:
    """The head that `line` of the log at `path` leads to.

    Raises:
        BrokenLogError: it is not the record that belongs after `head`.
    """
    try:
        return chain.follow(head, line)
    except chain.BrokenChainError as error:
        raise bad_line(path, head.seq + 1, str(error)) from error


def parse(line: bytes, path: Path, number: int) -> Record:
    """The record that `line`, which has that `number` in the log at `path`, holds.

    Raises:
        BrokenLogError: it holds none.
    """
    try:
        return envelope.parse(line)
    except ValueError as error:
        raise bad_line(path, number, str(error)) from error


def bad_line(path: Path, number: int, what: str, *, hint: str = ASIDE) -> BrokenLogError:
    """The error that names the line of the log at `path`, and says `what` is wrong with it."""
    return BrokenLogError(f"The audit log {path} is broken at line {number}: {what}", hint=hint)
