"""The audit log: append-only, hash-chained, durable before `append` returns, and never silent when it cannot be.

One JSON object per line in `audit.jsonl`: `envelope` says what is in it, `chain` how the lines hang together, `guard`
what the file must be. Processes and threads write in turn; the file is theirs only while they hold its lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Self

from runner.errors import AuditError
from runner.events import Clock, Event, EventType
from runner.record import chain, envelope, guard
from runner.record.chain import Head
from runner.record.envelope import Actor, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Actor", "AuditLog", "Head", "Record", "Verified", "read", "verify"]

NAME = "audit.jsonl"
_TORN = "A writer was killed, or the end was cut off. The next command that records cuts the line and reports it"
_ASIDE = "Keep the file as evidence: find out who wrote to it, then move it aside; the next command begins a new log"


@dataclass(frozen=True, slots=True)
class _Tail:
    """How far this process knows the file: the head after its last record, and that record's end in bytes."""

    head: Head
    end: int


class AuditLog:
    """The audit log of one installation, open for appending.

    It trusts what it has seen and checks what others have appended since; the whole file is checked by `verify` only.
    """

    def __init__(self, path: Path, *, clock: Clock, actor: Actor) -> None:
        self.path = path
        self._clock = clock
        self._actor = actor
        self._tail = _Tail(chain.START, 0)
        # Held for as long as the log is open: no other file can then come by the same inode number.
        self._pin: int | None = guard.create(path)

    @classmethod
    def open(cls, directory: Path, *, clock: Clock, actor: Actor) -> Self:
        """The log in `directory`; both are made when absent, readable and writable by the owner only.

        A torn last line, left by a writer that was killed, is cut off and reported by a `log.recovered` record with the
        number and the SHA-256 of its bytes. Only the end of the file is read, so the cost does not grow with the log.

        Raises:
            AuditError: the log or its directory is a symbolic link, belongs to another user, can be written by others
                or does not end in a record; or it cannot be read or written.
        """
        log = cls(directory / NAME, clock=clock, actor=actor)
        try:
            with log._locked() as descriptor:
                log._tail = _find_tail(descriptor, log.path)
                log._catch_up(descriptor)
        except BaseException:
            log.close()
            raise
        return log

    @property
    def head(self) -> Head:
        """Where the chain stood when this process last appended to the log or opened it."""
        return self._tail.head

    def append(self, *events: Event) -> Head:
        """Records `events`, all or none, in one go and with one fsync; on return they are durable.

        Returns:
            The head after the last of them.

        Raises:
            AuditError: they are not recorded; the log ends where it did before, and a later append may succeed.
        """
        with self._locked() as descriptor:
            self._catch_up(descriptor)
            self._write(descriptor, events)
            return self._tail.head

    def close(self) -> None:
        """Ends the use of the log; closing twice does no harm."""
        pin, self._pin = self._pin, None
        if pin is not None:
            os.close(pin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _locked(self) -> contextlib.AbstractContextManager[int]:
        if self._pin is None:
            raise AuditError(f"The audit log {self.path} is closed", hint="Report this as a defect")
        return guard.locked(self.path, pin=self._pin)

    def _catch_up(self, descriptor: int) -> None:
        """Follows the chain over what other processes have appended since, and mends what one of them left torn."""
        size = os.fstat(descriptor).st_size
        if size < self._tail.end:
            raise AuditError(f"The audit log {self.path} is shorter than it was: records were removed", hint=_ASIDE)
        *lines, torn = os.pread(descriptor, size - self._tail.end, self._tail.end).split(b"\n")
        head = self._tail.head
        for line in lines:
            head = _follow(head, line + b"\n", self.path)
        self._tail = _Tail(head, size - len(torn))
        if torn:
            self._recover(descriptor, torn)

    def _recover(self, descriptor: int, torn: bytes) -> None:
        evidence = {"torn_bytes": len(torn), "torn_sha256": hashlib.sha256(torn).hexdigest()}
        # The report overwrites the torn bytes: were they cut first, a crash in between would leave neither.
        fcntl.fcntl(descriptor, fcntl.F_SETFL, 0)
        self._write(descriptor, [Event(EventType.LOG_RECOVERED, run="", data=evidence)], instead_of=torn)

    def _write(self, descriptor: int, events: Sequence[Event], *, instead_of: bytes = b"") -> None:
        """Makes `events` durable in place of the bytes after the last record; on failure puts those back."""
        lines, head = self._compose(events)
        end = self._tail.end
        try:
            _write_all(descriptor, lines, at=end)
            if instead_of:
                os.ftruncate(descriptor, end + len(lines))
            os.fsync(descriptor)
        except BaseException:
            # When this fails as well the torn tail stays, and the next append finds it.
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, end + len(instead_of))
                os.pwrite(descriptor, instead_of, end)
            raise
        self._tail = _Tail(head, end + len(lines))

    def _compose(self, events: Sequence[Event]) -> tuple[bytes, Head]:
        head, instant, lines = self._tail.head, self._clock(), []
        for event in events:
            members = envelope.compose(event, seq=head.seq + 1, instant=instant, actor=self._actor)
            line, head = chain.link(head, members)
            lines.append(line)
        return b"".join(lines), head


@dataclass(frozen=True, slots=True)
class Verified:
    """What a log that verifies holds: records, runs, recoveries from a torn last line, and the head they lead to.

    It means that nobody changed, removed, inserted or reordered a line *alone*. It does not mean that nobody rewrote
    all lines from one on, or cut lines off the end: compare `head` with one noted elsewhere, on a page for example.
    """

    records: int
    runs: int
    recoveries: int
    head: Head


def read(path: Path, *, run: str | None = None) -> Iterator[Record]:
    """The records of the log at `path`, or those of `run`, in order and one at a time; the chain is not checked.

    A last line that has no end, because it is being written or was torn, is not a record and is left out.

    Raises:
        AuditError: the file cannot be read, or a line of it is no record.
    """
    sought = b"" if run is None else envelope.run_member(run)
    with guard.explained(path, "read"), path.open("rb") as file:
        for number, line in _lines(file):
            if sought in line and line.endswith(b"\n"):
                record = _parse(line, path, number)
                if run in (None, record.run):
                    yield record


def verify(path: Path) -> Verified:
    """Checks every line of the log at `path` against the chain, and says what it holds.

    Raises:
        AuditError: the file cannot be read, or a line, the first of which is named, is not what belongs there.
    """
    head, runs, recoveries = chain.START, set(), 0
    with guard.explained(path, "read"), path.open("rb") as file:
        for number, line in _lines(file, up_to=guard.settled_size(file, path)):
            if len(line) < chain.MAX_LINE and not line.endswith(b"\n"):
                raise _bad_line(path, number, "this line is torn", hint=_TORN)
            head = _follow(head, line, path)
            record = _parse(line, path, number)
            runs.add(record.run)
            recoveries += record.type == EventType.LOG_RECOVERED
    return Verified(records=head.seq, runs=len(runs - {""}), recoveries=recoveries, head=head)


def _find_tail(descriptor: int, path: Path) -> _Tail:
    """The last whole record in the file, checked against the one before it."""
    size = os.fstat(descriptor).st_size
    start, window = size, b""
    while start and window.count(b"\n") < 3:  # noqa: PLR2004 - the ends of the last record, of the one before, and what precedes it
        start = max(0, size - max(chain.MAX_LINE // 8, 2 * len(window)))
        window = os.pread(descriptor, size - start, start)
    lines = window.split(b"\n")[:-1]
    if not lines:
        return _Tail(chain.START, 0)
    try:
        before = chain.START if len(lines) == 1 else chain.claimed_head(lines[-2] + b"\n")
        head = chain.follow(before, lines[-1] + b"\n")
    except chain.BrokenChainError as error:
        raise AuditError(f"The audit log {path} is broken at its end: {error}", hint=_ASIDE) from error
    return _Tail(head, start + window.rfind(b"\n") + 1)


def _lines(file: BinaryIO, *, up_to: float = float("inf")) -> Iterator[tuple[int, bytes]]:
    number = 0
    while up_to > 0 and (line := file.readline(chain.MAX_LINE)):
        number, up_to = number + 1, up_to - len(line)
        yield number, line


def _follow(head: Head, line: bytes, path: Path) -> Head:
    try:
        return chain.follow(head, line)
    except chain.BrokenChainError as error:
        raise _bad_line(path, head.seq + 1, str(error)) from error


def _parse(line: bytes, path: Path, number: int) -> Record:
    try:
        return envelope.parse(line)
    except ValueError as error:
        raise _bad_line(path, number, str(error)) from error


def _bad_line(path: Path, number: int, what: str, *, hint: str = _ASIDE) -> AuditError:
    return AuditError(f"The audit log {path} is broken at line {number}: {what}", hint=hint)


def _write_all(descriptor: int, data: bytes, *, at: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, at)
        left, at = left[written:], at + written
