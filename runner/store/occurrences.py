"""Which planned instants have been decided, and how: an index that may be thrown away, made from the audit log.

Whoever decides holds the index alone from reading what others have recorded until its own decisions are recorded, so
that no instant is decided twice, by however many processes. What is only in the index counts for nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.core.errors import AuditError
from runner.core.events import EventType
from runner.store import disposable
from runner.store.log import log_file
from runner.store.log.envelope import Record
from runner.store.log.log_lines import is_torn, lines_of, parse

CLAIMED = "claimed"
"""The state of an occurrence whose run is to be begun, until that has begun or was refused."""

_SCHEMA = """
CREATE TABLE occurrence (schedule TEXT, planned TEXT, state TEXT, why TEXT, run TEXT, decided TEXT,
                         PRIMARY KEY (schedule, planned)) WITHOUT ROWID;
CREATE TABLE horizon (schedule TEXT PRIMARY KEY, planned TEXT) WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_NAME = "occurrences.sqlite"
_PATIENCE = 30.0
_MARK = b'"type":"runbook.schedule.'
_START = "0"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One planned instant of a `schedule` (`RUN-020/nightly`), its `state`, `why`, the id of its `run`, when `decided`.

    `state` is `claimed`, or ran, missed, skipped or refused.
    """

    schedule: str
    planned: datetime
    state: str
    why: str
    run: str
    decided: datetime


class Occurrences:
    """The index of the audit log at `log`, in the state directory `path`."""

    def __init__(self, path: Path, log: Path) -> None:
        self._log = log
        self._database = disposable.open_database(path / _NAME, _SCHEMA, patience=_PATIENCE)
        self._database.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def held(self) -> Iterator[None]:
        """While the block lasts nobody else decides, and all that was recorded before is known.

        Raises:
            AuditError: the log, or the index, cannot be read.
        """
        try:
            self._database.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise AuditError(f"the index of occurrences cannot be used: {error}") from error
        try:
            self.catch_up()
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def close(self) -> None:
        """End the use of the index."""
        self._database.close()

    def catch_up(self) -> None:
        """Take note of what was recorded since."""
        if not self._log.is_file():
            return
        with log_file.explained(self._log, "read"), self._log.open("rb") as file:
            begin = end = int(self._fact("log_end") or _START)
            if self._log.stat().st_size < end:
                end = self._forget()
            file.seek(end)
            for line in lines_of(file):
                if is_torn(line):
                    break
                end += len(line)
                if _MARK in line:
                    self.apply(parse(line, self._log, 0))
        if end != begin:
            self._set("log_end", str(end))

    def _forget(self) -> int:
        """Begin anew: the log is another one."""
        for table in ("occurrence", "horizon", "fact"):
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - the tables are ours
        return 0

    def apply(self, record: Record) -> None:
        """Take note of one record."""
        data = record.data
        if record.type == EventType.SCHEDULE_SEEN:
            self._move(str(data["schedule"]), str(data["since"]))
        elif record.type in {EventType.SCHEDULE_CLAIMED, EventType.SCHEDULE_DECIDED}:
            state = CLAIMED if record.type == EventType.SCHEDULE_CLAIMED else str(data["state"])
            row = [str(data.get(key, "")) for key in ("schedule", "planned")]
            row += [state, str(data.get("why", "")), str(data.get("run", "")), record.time.isoformat()]
            self._database.execute("INSERT OR REPLACE INTO occurrence VALUES (?, ?, ?, ?, ?, ?)", row)
            self._move(row[0], row[1])
            self._set("last_decided", max(self._fact("last_decided") or "", record.time.isoformat()))
        elif record.type == EventType.SCHEDULE_LEFT_OUT:
            self._move(str(data["schedule"]), str(data["until"]))
        elif record.type == EventType.SCHEDULE_CLOCK:
            self._set("last_decided", record.time.isoformat())
        elif record.type in {EventType.SCHEDULE_PAUSED, EventType.SCHEDULE_APPROVED}:
            self._set(f"{record.type}/{data.get('schedule', '')}", str(data["value"]))

    def _move(self, schedule: str, planned: str) -> None:
        before = self._one("SELECT planned FROM horizon WHERE schedule = ?", schedule)
        if before is None or before < planned:
            self._database.execute("INSERT OR REPLACE INTO horizon VALUES (?, ?)", (schedule, planned))

    def horizon(self, schedule: str) -> datetime | None:
        """Up to when every instant of `schedule` was decided; None where nobody has ever looked at it."""
        found = self._one("SELECT planned FROM horizon WHERE schedule = ?", schedule)
        return datetime.fromisoformat(found) if found else None

    def fact(self, kind: EventType, schedule: str = "") -> str:
        """What was recorded last of this `kind`, for `schedule`; empty where nothing was."""
        return self._fact(f"{kind}/{schedule}") or ""

    def of(self, schedule: str, planned: datetime) -> Occurrence | None:
        """The occurrence of `schedule` at the instant `planned`; None where it was not decided."""
        found = self._rows("WHERE schedule = ? AND planned = ?", schedule, planned.isoformat())
        return next(found, None)

    def claimed(self) -> list[Occurrence]:
        """Those whose run has not begun, or of which that is not recorded."""
        return list(self._rows("WHERE state = ?", CLAIMED))

    def since(self, planned: datetime, schedule: str | None = None) -> list[Occurrence]:
        """All that were planned since that instant, of all schedules or one, oldest first."""
        where = "WHERE planned >= ?" + (" AND schedule = ?" if schedule else "")
        return list(self._rows(f"{where} ORDER BY planned, schedule", planned.isoformat(), *filter(None, [schedule])))

    def latest_begun(self, schedule: str) -> Occurrence | None:
        """The newest of `schedule` of which a run was to begin."""
        return next(self._rows("WHERE schedule = ? AND run != '' ORDER BY planned DESC LIMIT 1", schedule), None)

    def last_decided(self) -> datetime | None:
        """The wall time of the last decision, since somebody has said that the clock is right."""
        found = self._fact("last_decided")
        return datetime.fromisoformat(found) if found else None

    def _rows(self, where: str, *values: str) -> Iterator[Occurrence]:
        columns = "schedule, planned, state, why, run, decided"
        for row in self._database.execute(f"SELECT {columns} FROM occurrence {where}", values):  # noqa: S608 - it is ours
            schedule, planned, state, why, run, decided = row
            moment = datetime.fromisoformat
            yield Occurrence(schedule, moment(planned), state, why, run, moment(decided))

    def _one(self, query: str, *values: str) -> str | None:
        row = self._database.execute(query, values).fetchone()
        return row[0] if row else None

    def _fact(self, name: str) -> str | None:
        return self._one("SELECT value FROM fact WHERE name = ?", name)

    def _set(self, name: str, value: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))
