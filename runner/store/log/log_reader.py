"""Reads the audit log, or checks all of it: each line is checked against the chain before it is believed."""

from collections.abc import Callable, Iterator
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import BrokenLogError
from runner.core.events import EventType
from runner.store.log import chain, envelope, log_file
from runner.store.log.chain import Head
from runner.store.log.envelope import Record
from runner.store.log.log_index import INDEXED, LogIndex
from runner.store.log.log_lines import ASIDE, TORN, bad_line, follow, is_torn, lines_of, parse


@dataclass(frozen=True, slots=True)
class Verified:
    """What a log that verifies holds: records, runs, recoveries from a torn last line, and the head they lead to.

    It means that nobody changed, removed, inserted or reordered a line *alone*. It does not mean that nobody rewrote
    all lines from one on, or cut lines off the end: that shows against a head that was noted elsewhere, as on a page.
    """

    records: int
    runs: int
    recoveries: int
    head: Head


def read(path: Path, *, run: str | None = None, indexed: int = INDEXED) -> Iterator[Record]:
    """The records of the log at `path`, or those of `run`, in order, each checked against the chain.

    A last line that has no end, because it is being written or was torn, is not a record and is left out. In a log of
    `indexed` bytes or more the records of a run are found by the index of the log.

    Raises:
        AuditError: the file cannot be read, or a line, the first of which is named, is not what belongs there.
    """
    if run is not None and _size(path) >= indexed:
        with LogIndex.opened(path, indexed=indexed) as index:
            yield from index.records(run)
        return
    sought = b"" if run is None else envelope.run_member(run)
    for line, head in _followed(path):
        if sought in line:
            record = parse(line, path, head.seq)
            if run in {None, record.run}:
                yield record


def _size(path: Path) -> int:
    with log_file.explained(path, "read"):
        return path.stat().st_size


def _followed(path: Path) -> Iterator[tuple[bytes, Head]]:
    """Each whole line of the log at `path`, with the head it leads to."""
    head = chain.START
    with log_file.explained(path, "read"), path.open("rb") as file:
        for line in lines_of(file):
            if is_torn(line):
                return
            head = follow(head, line, path)
            yield line, head


def verify(path: Path, *, noted: Head | None = None, each: Callable[[Record], object] = lambda _: None) -> Verified:
    """Checks every line of the log at `path` against the chain, and says what it holds.

    Args:
        path: the log.
        noted: where the log once stood; the hash may be the beginning of one, as `str(Head)` shows it.
        each: takes each record once it is checked.

    Raises:
        AuditError: the file cannot be read, a line, the first of which is named, is not what belongs there, or the log
            no longer leads to `noted`.
    """
    head, runs, recoveries = chain.START, set(), 0
    with log_file.explained(path, "read"), path.open("rb") as file:
        with log_file.settled(file, path) as status:
            size = status.st_size
        for line in lines_of(file, up_to=size):
            if is_torn(line):
                raise bad_line(path, head.seq + 1, "this line is torn", hint=TORN)
            head = follow(head, line, path)
            if noted and head.seq == noted.seq and not head.hash.startswith(noted.hash):
                what = f"its hash begins with {head.hash[:16]}, and {noted.hash[:16]} was noted: the log was rewritten"
                raise bad_line(path, head.seq, what)
            record = parse(line, path, head.seq)
            runs.add(record.run)
            recoveries += record.type == EventType.LOG_RECOVERED
            each(record)
    if noted and head.seq < noted.seq:
        message = f"The audit log {path} ends at record {head.seq}, and {noted.seq} was noted: its end was cut off"
        raise BrokenLogError(message, hint=ASIDE)
    return Verified(records=head.seq, runs=len(runs - {""}), recoveries=recoveries, head=head)
