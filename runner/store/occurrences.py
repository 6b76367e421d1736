"""Which planned instants have been decided, and how: an index that may be thrown away, made from the audit log.

Whoever decides has the lock of it alone from reading what others have recorded until its own decisions are recorded, so
that no instant is decided twice, by however many processes. What is only in the index counts for nothing. The lock is a
file of its own, as the database is made anew where it is damaged: two processes could then have one each.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass
from runner.core.duration import comes_true
from runner.core.errors import AuditError, LockedError
from runner.core.events import EventType
from runner.store import disposable
from runner.store.locks.kernel_locks import LockFile
from runner.store.log import log_file
from runner.store.log.log_lines import is_torn, lines_of, parse

CLAIMED = "claimed"
"""The state of an occurrence whose run is to be begun, until that has begun or was refused."""

_SCHEMA = """
CREATE TABLE occurrence (schedule TEXT, planned TEXT, state TEXT, why TEXT, run TEXT, decided TEXT, tell TEXT,
                         outcome TEXT,
                         PRIMARY KEY (schedule, planned)) WITHOUT ROWID;
CREATE TABLE horizon (schedule TEXT PRIMARY KEY, planned TEXT) WITHOUT ROWID;
CREATE TABLE quiet (schedule TEXT PRIMARY KEY, basis TEXT, until TEXT) WITHOUT ROWID;
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE INDEX begun ON occurrence (schedule, decided, planned) WHERE run != '';
CREATE INDEX undone ON occurrence (state) WHERE state = 'claimed';
CREATE INDEX untold ON occurrence (tell) WHERE tell != '[]';
"""
_NAME = "occurrences.sqlite"
_LOCK = "occurrences.lock"
_PATIENCE = 30.0
_LOOKS_AGAIN = 0.05
_MARK = b'"type":"runbook.schedule.'
_START = "0"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One planned instant of a `schedule` (`RUN-020/nightly`), its `state`, `why`, the id of its `run`, when `decided`.

    `state` is `claimed`, or ran, missed, skipped or refused; `outcome` is how a drill ended, which is no run. `tell`
    are the contacts who are to hear of it, and have not been called yet as far as anybody knows.
    """

    schedule: str
    planned: datetime
    state: str
    why: str
    run: str
    decided: datetime
    tell: tuple[str, ...] = ()
    outcome: str = ""


class Occurrences:
    """The index of the audit log at `log`, in the state directory `path`; it is only used while it is `held`."""

    def __init__(self, path: Path, log: Path) -> None:
        self._path, self._log = path, log
        self._database: sqlite3.Connection

    @contextmanager
    def held(self, *, patience: float = _PATIENCE) -> Iterator[None]:
        """While the block lasts nobody else decides, and all that was recorded before is known.

        Raises:
            LockedError: somebody else decides for longer than the seconds of `patience`.
            AuditError: the log, or the index, cannot be read.
        """
        with ExitStack() as stack:
            with suppress(OSError):  # where no lock can be made nothing can be recorded, and so nothing be decided
                lock = LockFile(self._path / _LOCK, mode=0o600)
                stack.callback(lock.close)
                _wait_for(lock, patience)
            self._database = disposable.open_database(self._path / _NAME, _SCHEMA, patience=patience)
            stack.callback(self._database.close)
            try:
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.execute("BEGIN IMMEDIATE")
                self.catch_up()
                yield  # what is not committed is taken back when the database is closed
                self._database.execute("COMMIT")
            except sqlite3.Error as error:
                raise AuditError(f"the index of occurrences cannot be used: {error}") from error

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
                    record = parse(line, self._log, 0)
                    self.apply(record.type, record.data, record.time)
        if end != begin:
            self._set("log_end", str(end))

    def _forget(self) -> int:
        """Begin anew: the log is another one."""
        for table in ("occurrence", "horizon", "quiet", "fact"):
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - the tables are ours
        return 0

    def apply(self, kind: str, data: Mapping[str, Any], time: datetime) -> None:
        """Take note of what is recorded of that `kind` at that `time`."""
        schedule = str(data.get("schedule", ""))
        match kind:
            case EventType.SCHEDULE_SEEN:
                self._move(schedule, str(data["since"]))
                self._keep(kind, schedule, data)
            case EventType.SCHEDULE_CLAIMED | EventType.SCHEDULE_DECIDED:
                self._decided(schedule, data, time)
            case EventType.SCHEDULE_TOLD:
                until = "UPDATE occurrence SET tell = '[]' WHERE schedule = ? AND state = ? AND planned <= ?"
                self._database.execute(until, (schedule, str(data["state"]), str(data["planned"])))
            case EventType.SCHEDULE_LEFT_OUT:
                self._move(schedule, str(data["until"]))
            case EventType.SCHEDULE_CLOCK:
                self._set("last_decided", time.isoformat())
            case EventType.SCHEDULE_PAUSED | EventType.SCHEDULE_APPROVED | EventType.SCHEDULE_ASKED:
                self._keep(kind, schedule, data)

    def _keep(self, kind: str, schedule: str, data: Mapping[str, Any]) -> None:
        """Only the latest word of this kind on a schedule counts."""
        self._set(f"{kind}/{schedule}", json.dumps(dict(data)))

    def _decided(self, schedule: str, data: Mapping[str, Any], time: datetime) -> None:
        row = [schedule, str(data["planned"]), str(data.get("state", CLAIMED)), str(data.get("why", ""))]
        row += [str(data.get("run", "")), time.isoformat(), json.dumps(list(data.get("tell", ())))]
        row += [str(data.get("outcome", ""))]
        self._database.execute("INSERT OR REPLACE INTO occurrence VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._move(schedule, str(data["planned"]))
        self._set("last_decided", max(self._fact("last_decided") or "", time.isoformat()))

    def _move(self, schedule: str, planned: str) -> None:
        self._database.execute(
            "INSERT INTO horizon VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET planned = excluded.planned WHERE excluded.planned > horizon.planned",
            (schedule, planned),
        )

    def horizons(self) -> Mapping[str, datetime]:
        """Up to when every instant of each schedule was decided; without those at which nobody has ever looked."""
        rows = self._database.execute("SELECT schedule, planned FROM horizon")
        return {schedule: datetime.fromisoformat(planned) for schedule, planned in rows}

    def quiet(self) -> Mapping[str, tuple[str, str]]:
        """For each schedule what was noted last of when it is due next: on which basis, and the instant."""
        rows = self._database.execute("SELECT schedule, basis, until FROM quiet")
        return {schedule: (basis, until) for schedule, basis, until in rows}

    def note_quiet(self, schedule: str, basis: str, until: str) -> None:
        """Note that nothing of `schedule` is due before the instant `until`, for as long as `basis` is the same."""
        self._database.execute("INSERT OR REPLACE INTO quiet VALUES (?, ?, ?)", (schedule, basis, until))

    def facts(self, kind: EventType) -> Mapping[str, Mapping[str, Any]]:
        """The data of what was recorded last of this `kind`, by the schedule."""
        rows = self._database.execute("SELECT name, value FROM fact WHERE name GLOB ?", (f"{kind}/*",))
        return {name.partition("/")[2]: json.loads(value) for name, value in rows}

    def of(self, schedule: str, planned: datetime) -> Occurrence | None:
        """The occurrence of `schedule` at the instant `planned`; None where it was not decided."""
        found = self._rows("WHERE schedule = ? AND planned = ?", schedule, planned.isoformat())
        return next(found, None)

    def claimed(self) -> list[Occurrence]:
        """Those whose run has not begun, or of which that is not recorded."""
        return list(self._rows("WHERE state = ?", CLAIMED))

    def untold(self) -> list[Occurrence]:
        """Those of which somebody is to hear who has not been called, as far as that is recorded."""
        return list(self._rows("WHERE tell != '[]' ORDER BY schedule, planned"))

    def since(self, planned: datetime, schedule: str | None = None) -> list[Occurrence]:
        """All that were planned since that instant, of all schedules or one, oldest first."""
        where = "WHERE planned >= ?" + (" AND schedule = ?" if schedule else "")
        return list(self._rows(f"{where} ORDER BY planned, schedule", planned.isoformat(), *filter(None, [schedule])))

    def begun(self, schedule: str, most: int) -> Sequence[Occurrence]:
        """The latest of `schedule` of which a run was to begin, the one that was decided last first."""
        where = "WHERE schedule = ? AND run != '' ORDER BY decided DESC, planned DESC LIMIT ?"
        return list(self._rows(where, schedule, most))

    def last_decided(self) -> datetime | None:
        """The wall time of the last decision, since somebody has said that the clock is right."""
        found = self._fact("last_decided")
        return datetime.fromisoformat(found) if found else None

    def _rows(self, where: str, *values: object) -> Iterator[Occurrence]:
        columns = "schedule, planned, state, why, run, decided, tell, outcome"
        for row in self._database.execute(f"SELECT {columns} FROM occurrence {where}", values):  # noqa: S608 - it is ours
            schedule, planned, state, why, run, decided, tell, outcome = row
            moment, names = datetime.fromisoformat, tuple(json.loads(tell))
            yield Occurrence(schedule, moment(planned), state, why, run, moment(decided), names, outcome)

    def _fact(self, name: str) -> str | None:
        row = self._database.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _set(self, name: str, value: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))


def _wait_for(lock: LockFile, patience: float) -> None:
    """Until `lock` is ours.

    Raises:
        LockedError: it is somebody else's for longer than the seconds of `patience`.
    """
    if not comes_true(lock.lock, within=patience, every=_LOOKS_AGAIN):
        raise LockedError("another command has been deciding about the schedules", hint=f"see who: fuser {lock.path}")
