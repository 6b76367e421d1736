"""The audit log: append-only, hash-chained, durable before `append` returns, and never silent when it cannot be.

One JSON object per line in `audit.jsonl`: `envelope` says what is in it, `chain` how the lines hang together,
`log_file` what the file must be. Processes and threads write in turn; the file is theirs only while they hold its lock.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from runner.core.deferred import dataclass
from runner.core.errors import AuditError, BrokenLogError, RunbookError
from runner.core.events import Clock, Event, EventType
from runner.store.log import chain, envelope, log_file, log_stamp
from runner.store.log.chain import Head
from runner.store.log.envelope import Actor, Record
from runner.store.log.log_lines import ASIDE, follow

NAME = "audit.jsonl"
CHECKED = 16 * 1024 * 1024  # bytes at the end of the log that are checked before anything is added to it


@dataclass(frozen=True, slots=True)
class _Tail:
    """How far this process knows the file: the head after its last record, and that record's end in bytes."""

    head: Head
    end: int


class AuditLog:
    """The audit log of one installation, open for appending.

    It trusts what it has seen and checks what others have appended since; the whole file is checked by
    `log_reader` only.
    """

    def __init__(self, path: Path, *, clock: Clock, actor: Actor) -> None:
        self.path = path
        self._clock = clock
        self._actor = actor
        self._tail = _Tail(chain.START, 0)
        # Held for as long as the log is open: no other file can then come by the same inode number.
        self._pin: int | None = log_file.create(path)

    @classmethod
    def open(cls, directory: Path, *, clock: Clock, actor: Actor, checked: int = CHECKED) -> Self:
        """The log in `directory`; both are made when absent, readable and writable by the owner only.

        A torn last line, left by a writer that was killed, is cut off and reported by a `log.recovered` record with the
        number and the SHA-256 of its bytes. The chain is checked over the last `checked` bytes: the cost does not grow
        with the log.

        Raises:
            AuditError: the log or its directory is a symbolic link, belongs to another user, can be written by others
                or is broken there; or it cannot be read or written.
        """
        log = cls(directory / NAME, clock=clock, actor=actor)
        try:
            with log._locked() as descriptor:
                log._tail = _find_tail(descriptor, log.path, checked=checked)
                log._catch_up(descriptor)
        except BaseException:
            log.close()
            raise
        return log

    @property
    def head(self) -> Head:
        """Where the chain stood when this process last appended to the log or opened it."""
        return self._tail.head

    def append(self, *events: Event) -> tuple[Record, ...]:
        """Records `events`, all or none, in one go and with one fsync; on return they are durable.

        Returns:
            The record of each, as whoever reads the log finds it; `head` is after the last of them.

        Raises:
            AuditError: they are not recorded; the log ends where it did before, and a later append may succeed.
        """
        with self._locked() as descriptor:
            self._catch_up(descriptor)
            return self._write(descriptor, events)

    def close(self) -> None:
        """Ends the use of the log; closing twice does no harm."""
        pin, self._pin = self._pin, None
        if pin is not None:
            os.close(pin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The log's descriptor, while nobody else writes; a stamp that fitted the file before fits it afterwards."""
        if self._pin is None:
            raise AuditError(f"The audit log {self.path} is closed", hint="Report this as a defect")
        with log_file.locked(self.path, pin=self._pin) as descriptor:
            check = log_stamp.check_of(self.path, os.fstat(descriptor))
            yield descriptor
            if check:
                log_stamp.write(self.path, os.fstat(descriptor), check)

    def _catch_up(self, descriptor: int) -> None:
        """Follows the chain over what other processes have appended since, and mends what one of them left torn."""
        size = os.fstat(descriptor).st_size
        if size < self._tail.end:
            raise BrokenLogError(f"The audit log {self.path} is shorter than it was: records were removed", hint=ASIDE)
        *lines, torn = os.pread(descriptor, size - self._tail.end, self._tail.end).split(b"\n")
        head = self._tail.head
        for line in lines:
            head = follow(head, line + b"\n", self.path)
        self._tail = _Tail(head, size - len(torn))
        if torn:
            self._recover(descriptor, torn)

    def _recover(self, descriptor: int, torn: bytes) -> None:
        evidence = {"torn_bytes": len(torn), "torn_sha256": hashlib.sha256(torn).hexdigest()}
        # The report overwrites the torn bytes: were they cut first, a crash in between would leave neither.
        fcntl.fcntl(descriptor, fcntl.F_SETFL, 0)
        self._write(descriptor, [Event(EventType.LOG_RECOVERED, run="", data=evidence)], instead_of=torn)

    def _write(self, descriptor: int, events: Sequence[Event], *, instead_of: bytes = b"") -> tuple[Record, ...]:
        """Makes `events` durable in place of the bytes after the last record; on failure puts those back."""
        made, head = self._compose(events)
        lines, end = b"".join(made), self._tail.end
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
        return tuple(map(envelope.parse, made))

    def _compose(self, events: Sequence[Event]) -> tuple[list[bytes], Head]:
        head, instant, lines = self._tail.head, self._clock(), []
        for event in events:
            members = envelope.compose(event, seq=head.seq + 1, instant=instant, actor=self._actor)
            line, head = chain.link(head, members)
            lines.append(line)
        return lines, head


class NoLog(AuditLog):
    """What stands for a log that could not be opened: whoever wants to record learns why nothing can be."""

    def __init__(self, path: Path, error: RunbookError) -> None:
        self.path = path
        self._tail = _Tail(chain.START, 0)
        self._pin = None
        kind = BrokenLogError if isinstance(error, BrokenLogError) else AuditError
        self._error = kind(error.message, hint=error.hint)

    def append(self, *events: Event) -> tuple[Record, ...]:
        """Records nothing.

        Raises:
            AuditError: always.
        """
        del events
        raise self._error


def _find_tail(descriptor: int, path: Path, *, checked: int) -> _Tail:
    """The last whole record in the file; the chain is followed over the latest part of it, which has a fixed size."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - checked)
    window = os.pread(descriptor, size - start, start)
    begin = window.find(b"\n") + 1 if start else 0  # the window may begin within a record
    *lines, _torn = window[begin:].split(b"\n")
    head = chain.START if not start else _claimed(lines.pop(0) + b"\n", path)
    for line in lines:
        head = follow(head, line + b"\n", path)
    return _Tail(head, start + window.rfind(b"\n") + 1)


def _claimed(line: bytes, path: Path) -> Head:
    """The head of a record in the middle of the log, of which what stands before is not looked at."""
    try:
        return chain.claimed_head(line)
    except chain.BrokenChainError as error:
        raise BrokenLogError(f"The audit log {path} is broken: {error}", hint=ASIDE) from error


def _write_all(descriptor: int, data: bytes, *, at: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, at)
        left, at = left[written:], at + written
