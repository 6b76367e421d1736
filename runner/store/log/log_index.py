"""The index of a long log, which may be thrown away at any time: where the records of each run lie.

The log is followed once from its first line. From then on the index believes that the part which was followed is as it
was, as long as the stamp of the log fits (see `log_stamp`); else it follows the log from its first line again. So it
does when it is missing, damaged, or held by another command for long. The records of a run are followed from the record
before them as well whenever they are read. Besides, the index keeps a digest of each run for whoever makes one: that is
good for as long as the hash of the run's last record, which covers all the records before it, is the same.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

from runner.core.errors import AuditError
from runner.store import disposable
from runner.store.log import chain, envelope, log_file, log_stamp
from runner.store.log.chain import Head
from runner.store.log.envelope import Record
from runner.store.log.log_lines import follow, is_torn, lines_of, parse

INDEXED = 2 * 1024 * 1024  # bytes; a shorter log is followed as fast as an index is opened
_PATIENCE = 1.0  # seconds to wait for a writer, which holds the log for one fsync
_NAME = "audit-index.sqlite"
_SCHEMA = """
CREATE TABLE followed (checked TEXT, "end" INTEGER, seq INTEGER, hash TEXT);
CREATE TABLE extents (run TEXT, start INTEGER, "end" INTEGER, seq INTEGER, hash TEXT);
CREATE INDEX extents_of_run ON extents (run, start);
CREATE TABLE runs (run TEXT PRIMARY KEY, first INTEGER, extents INTEGER, head TEXT, latest TEXT);
CREATE TABLE digests (run TEXT PRIMARY KEY, head TEXT, maker TEXT, text TEXT)
"""


class LogIndex:
    """The index of one log, brought up to date when it is opened; see the module."""

    def __init__(self, path: Path, file: BinaryIO, *, on_disk: bool) -> None:
        self._path, self._file, self._on_disk = path, file, on_disk
        place = path.with_name(_NAME) if on_disk else None
        self._database = disposable.open_database(place, _SCHEMA)

    @classmethod
    @contextmanager
    def opened(cls, path: Path, *, indexed: int = INDEXED) -> Iterator[Self]:
        """The index of the log at `path`; it is only kept where the log has `indexed` bytes or more.

        Raises:
            AuditError: the log cannot be read, or a line, the first of which is named, is not what belongs there.
        """
        with log_file.explained(path, "read"):
            file = path.open("rb")
        with file:
            index = cls(path, file, on_disk=path.stat().st_size >= indexed)
            try:
                index._open()
                yield index
            finally:
                index._database.close()

    def records(self, run: str, *, but: Collection[str] = ()) -> list[Record]:
        """The records of `run`, in order, `but` those of these types; they too must be what belongs there.

        Raises:
            AuditError: as `opened`.
        """
        try:
            return self._records(run, but)
        except chain.BrokenChainError:  # a line is not where the index says, or the index has lost it
            self._start_over(remove=True)
            return self._records(run, but)

    def digests(self, maker: str) -> Mapping[str, str | None]:
        """The digest that `maker` keeps of each run, None where there is none; in the order in which the runs began."""
        rows = self._query(
            "SELECT runs.run, text FROM runs LEFT JOIN digests"
            " ON digests.run = runs.run AND digests.head = runs.head AND maker = ? ORDER BY first",
            maker,
        )
        return dict(rows)

    def latest_types(self) -> Mapping[str, str]:
        """The type of the latest record of each run."""
        return dict(self._query("SELECT run, latest FROM runs"))

    def keep(self, maker: str, digests: Mapping[str, str]) -> None:
        """Keep the digests of runs that `maker` has made of their records as they are now."""
        rows = [(maker, text, run) for run, text in digests.items()]
        insert = "INSERT OR REPLACE INTO digests SELECT run, head, ?, ? FROM runs WHERE run = ?"
        with contextlib.suppress(sqlite3.Error), self._changing():
            self._database.executemany(insert, rows)

    def _records(self, run: str, but: Collection[str]) -> list[Record]:
        found = []
        extents = 'SELECT start, "end", seq, hash FROM extents WHERE run = ? ORDER BY start'
        head, lie = chain.START, self._query(extents, run)
        for start, end, seq, hash_ in lie:
            head = Head(seq, hash_)
            self._file.seek(start)
            for line in lines_of(self._file, up_to=end - start):
                head = chain.follow(head, line)
                if envelope.type_of(line) in but:
                    continue
                record = parse(line, self._path, head.seq)
                if record.run == run:
                    found.append(record)
        known = self._query("SELECT extents, head FROM runs WHERE run = ?", run)
        if known != ([(len(lie), f"{head.seq}:{head.hash}")] if lie else []):
            raise chain.BrokenChainError("the index has lost some of the run")  # damage that SQLite does not see
        return found

    def _open(self) -> None:
        try:
            self._bring_up_to_date()
        except sqlite3.Error as error:
            self._start_over(remove=getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY)

    def _bring_up_to_date(self) -> None:
        checked, size = self._check()
        with self._changing():
            end, head = self._followed(checked)
            self._file.seek(end)
            end, head = self._follow(end, head, size)
            self._database.execute("DELETE FROM followed")
            self._database.execute("INSERT INTO followed VALUES (?, ?, ?, ?)", (checked, end, head.seq, head.hash))

    def _check(self) -> tuple[str, int]:
        """The name of the check that the stamp of the log goes back to, else of one that begins now; and the size."""
        try:
            with log_file.settled(self._file, self._path, patience=_PATIENCE) as status:
                checked = log_stamp.check_of(self._path, status)
                if not checked:
                    checked = log_stamp.new_check(status)
                    if self._on_disk:
                        log_stamp.write(self._path, status, checked)
        except AuditError:  # a writer hangs: whoever only reads goes without what is on disk
            self._in_memory()
            return "", os.fstat(self._file.fileno()).st_size
        return checked, status.st_size

    def _followed(self, checked: str) -> tuple[int, Head]:
        """How far the log was followed since the check of that name began: in bytes, and the head there."""
        found = self._database.execute('SELECT "end", seq, hash FROM followed WHERE checked = ?', (checked,)).fetchone()
        if found:
            return found[0], Head(found[1], found[2])
        for table in ("extents", "runs"):
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours
        return 0, chain.START

    def _follow(self, end: int, head: Head, size: int) -> tuple[int, Head]:
        """Follow the log from its byte `end`, where it stands at `head`, to `size`; note whose records those are."""
        run, start, before, latest = b"", end, head, b""
        for line in lines_of(self._file, up_to=size - end):
            if is_torn(line):
                break
            after, of_run = follow(head, line, self._path), envelope.run_of(line)
            if of_run != run:
                self._add(run, start, end, before, head, latest)
                run, start, before = of_run, end, head
            end, head, latest = end + len(line), after, line
        self._add(run, start, end, before, head, latest)
        return end, head

    def _add(self, run: bytes, start: int, end: int, before: Head, head: Head, latest: bytes) -> None:
        """The records between those bytes and those heads are all of `run`; `latest` is the last line."""
        if run and end > start:
            name = json.loads(run)
            extent = (name, start, end, before.seq, before.hash)
            self._database.execute("INSERT INTO extents VALUES (?, ?, ?, ?, ?)", extent)
            upsert = (
                "INSERT INTO runs VALUES (?, ?, 1, ?, ?) ON CONFLICT (run)"
                " DO UPDATE SET extents = extents + 1, head = excluded.head, latest = excluded.latest"
            )
            self._database.execute(upsert, (name, before.seq + 1, f"{head.seq}:{head.hash}", envelope.type_of(latest)))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One transaction: all of what is changed, or nothing."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # what has failed may have ended the transaction already
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _query(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error:
            self._start_over(remove=True)
            return self._database.execute(statement, values).fetchall()

    def _start_over(self, *, remove: bool) -> None:
        """Follow the log from its first line, with the index in memory; `remove` the one on disk."""
        self._in_memory()
        if remove:
            disposable.remove(self._path.with_name(_NAME))
        self._bring_up_to_date()

    def _in_memory(self) -> None:
        self._database.close()
        self._on_disk = False
        self._database = disposable.open_database(None, _SCHEMA)
