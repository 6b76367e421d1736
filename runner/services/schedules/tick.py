"""One look at all schedules of a library: each instant that has come is decided once, and recorded with a sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from runner.core import duration
from runner.core.errors import RunbookError, explain
from runner.core.events import Event, EventType, Outcome
from runner.core.wording import first_line
from runner.library.calendars import Calendars
from runner.library.inventory import environments
from runner.library.library import Library
from runner.model.schedule import Schedule
from runner.orchestrator.run_environment import Installation
from runner.orchestrator.start.guards import PRODUCTION
from runner.scheduling.clock_check import Clocks, Trust, check
from runner.scheduling.decision import Facts, Fate, Judgement, decide
from runner.scheduling.entries import ScheduleEntry, entries, paused, subject_of
from runner.scheduling.instants import instants
from runner.store import durable
from runner.store.occurrences import CLAIMED, Occurrence, Occurrences
from runner.store.state_directory import StateDirectory

Note = Callable[..., None]
"""Records an event of that kind, with that data."""
LOOK_BACK = timedelta(days=366)
"""What is older is not looked at one by one."""
_MOST = 10_000
"""The instants of a schedule that are decided in one look."""
_TAKEN_OVER = timedelta(seconds=90)
"""After so long a claim whose run has not begun is begun by whoever looks."""
_RUNS = 20
CLOCK = "clock.json"
"""The file in the state directory with what the last look has seen of the clocks."""
_NOT_YET = "its run was to begin, and whoever was to begin it died"


@dataclass(frozen=True)
class Ticked:
    """What one look came to: why nothing was decided (`held`), what was `decided`, and which are `to_begin` now.

    `broken` are schedules of which nobody knows when they are due.
    """

    held: str = ""
    decided: tuple[Occurrence, ...] = ()
    to_begin: tuple[Occurrence, ...] = ()
    broken: tuple[ScheduleEntry, ...] = ()
    entries: tuple[ScheduleEntry, ...] = field(default=(), repr=False)


def run_id(schedule: str, planned: datetime) -> str:
    """The id of the run of that occurrence: the same whoever begins it, so that it begins once."""
    return f"{planned:%Y%m%dT%H%M%SZ}-{hashlib.sha256(schedule.encode()).hexdigest()[:8]}"


@contextmanager
def opened(state: StateDirectory) -> Iterator[Occurrences]:
    """The index of what was decided."""
    occurrences = Occurrences(state.path, state.log_path)
    try:
        yield occurrences
    finally:
        occurrences.close()


@contextmanager
def deciding(installation: Installation) -> Iterator[tuple[Occurrences, Note]]:
    """While the block lasts nobody else decides; what is noted is recorded, and known at once.

    Raises:
        AuditError: nothing can be recorded, or what was recorded cannot be read.
    """
    state = installation.state
    with (
        opened(state) as occurrences,
        state.open_log(clock=installation.clock, actor=installation.actor) as log,
        occurrences.held(),
    ):

        def note(kind: EventType, **data: str) -> None:
            for record in log.append(Event(kind, "", data=data)):
                occurrences.apply(record)

        yield occurrences, note


def tick(installation: Installation, library: Library, clocks: Clocks) -> Ticked:
    """Decide every instant that has come by `clocks`, in one go with whoever else looks.

    Raises:
        AuditError: nothing can be recorded; then nothing is decided.
    """
    state = installation.state
    with deciding(installation) as (occurrences, note):
        trust = _checked(occurrences, state, clocks)
        if trust.held:
            return Ticked(held=trust.held)
        looking, found = _Looking(state, library, occurrences, note, clocks.wall), entries(library)
        decided = [*looking.unfinished(found), *(each for entry in found for each in looking.due(entry))]
    return Ticked(
        decided=tuple(each for each in decided if each.state != Fate.BEGIN),
        to_begin=tuple(each for each in decided if each.state == Fate.BEGIN),
        broken=tuple(entry for entry in found if entry.schedule is None),
        entries=tuple(found),
    )


class _Looking:
    """What one look at the schedules needs; all of it is recorded before anybody else looks."""

    def __init__(
        self, state: StateDirectory, library: Library, occurrences: Occurrences, note: Note, now: datetime
    ) -> None:
        self._state, self._library, self._now = state, library, now
        self._occurrences, self._append = occurrences, note
        self._calendars = Calendars(library.root / "runbooks" / "calendars.yml")

    def unfinished(self, found: Iterable[ScheduleEntry]) -> list[Occurrence]:
        """What becomes of the claims of others, whose run has begun, or will not begin any more."""
        known = {entry.name: entry for entry in found}
        return [done for each in self._occurrences.claimed() if (done := self._settled(each, known.get(each.schedule)))]

    def _settled(self, claim: Occurrence, entry: ScheduleEntry | None) -> Occurrence | None:
        run = self._state.directory(claim.run)
        if run.exists:
            return self._record(claim, Fate.RAN, claim.why) if run.live or run.state.was_recorded else None
        if self._now - claim.decided < _TAKEN_OVER:
            return None
        schedule = entry.schedule if entry else None
        if schedule and self._now - claim.planned <= max(schedule.late_ok, schedule.wait, _TAKEN_OVER):
            return self._record(claim, Fate.BEGIN, "taken over: " + _NOT_YET)
        return self._record(claim, Fate.MISSED, _NOT_YET)

    def due(self, entry: ScheduleEntry) -> Iterator[Occurrence]:
        """What becomes of each instant of the schedule that has come since somebody looked."""
        if (schedule := entry.schedule) is None:
            return
        horizon = self._occurrences.horizon(entry.name)
        if horizon is None:
            self._append(EventType.SCHEDULE_SEEN, schedule=entry.name, since=self._now.isoformat())
            return
        planned = list(islice(instants(schedule, self._after(entry, schedule, horizon), self._now), _MOST))
        for number, instant in enumerate(planned, 1):
            known = self._situation(entry, schedule, latest=number == len(planned))
            decision = decide(schedule, instant, known)
            if decision.fate is Fate.WAIT:
                return
            yield self._decided(entry, instant, decision)

    def _after(self, entry: ScheduleEntry, schedule: Schedule, horizon: datetime) -> datetime:
        """From when on the instants are looked at; how many are left out is recorded."""
        oldest = self._now - LOOK_BACK
        if horizon >= oldest:
            return horizon
        count = sum(1 for _ in islice(instants(schedule, horizon, oldest), 10 * _MOST))
        if count:
            why = f"{count} instants are older than {duration.show(LOOK_BACK)}, and were not looked at"
            self._append(EventType.SCHEDULE_LEFT_OUT, schedule=entry.name, until=oldest.isoformat(), why=why)
        return oldest

    def _situation(self, entry: ScheduleEntry, schedule: Schedule, *, latest: bool) -> Facts:
        before = self._occurrences.latest_begun(entry.name)
        return Facts(
            name=entry.name,
            now=self._now,
            fault=entry.fault or self._calendars.fault(schedule.calendars) or self._unapproved(entry, schedule),
            closed=self._calendars.closed(schedule.calendars, self._now, schedule.tz),
            running=before.run if before and self._goes_on(before) else "",
            usual=usual(self._state, entry.runbook) if schedule.finish else None,
            paused=self._occurrences.fact(EventType.SCHEDULE_PAUSED, entry.name)
            or paused(schedule, self._now.astimezone(schedule.tz).date()),
            latest=latest,
        )

    def _goes_on(self, occurrence: Occurrence) -> bool:
        """Whether its run is about to begin, or has begun and not ended."""
        run = self._state.directory(occurrence.run)
        return occurrence.state == CLAIMED or (run.exists and run.live)

    def _unapproved(self, entry: ScheduleEntry, schedule: Schedule) -> str:
        """That a schedule against production is not approved as it is now; empty where it is, or needs not be."""
        try:
            if PRODUCTION not in environments(self._library.root / schedule.inventory):
                return ""
            subject = subject_of(self._library, entry)
        except (RunbookError, OSError) as error:
            return first_line(explain(error).message)
        approved = self._occurrences.fact(EventType.SCHEDULE_APPROVED, entry.name)
        if approved == subject:
            return ""
        why = "has changed since it was approved" if approved else "is not approved"
        return f"{entry.name} works on production, and {why}: runbook schedule approve {entry.name}"

    def _decided(self, entry: ScheduleEntry, planned: datetime, decision: Judgement) -> Occurrence:
        run = run_id(entry.name, planned) if decision.fate is Fate.BEGIN else ""
        made = Occurrence(entry.name, planned, decision.fate, decision.why, run, self._now)
        return self._record(made, decision.fate, decision.why)

    def _record(self, occurrence: Occurrence, fate: Fate, why: str) -> Occurrence:
        data = {"schedule": occurrence.schedule, "planned": occurrence.planned.isoformat(), "why": why}
        data |= {"run": occurrence.run} if occurrence.run else {}
        if fate is Fate.BEGIN:
            self._append(EventType.SCHEDULE_CLAIMED, **data)
        else:
            self._append(EventType.SCHEDULE_DECIDED, state=fate, **data)
        return replace(occurrence, state=fate, why=why)


def usual(state: StateDirectory, runbook: str) -> timedelta | None:
    """How long a run of `runbook` takes at the slow end of the last runs that passed; None where there is none."""
    passed: list[timedelta] = []
    for directory in reversed(list(state.runs())):
        if len(passed) == _RUNS:
            break
        with suppress(ValueError):
            run = directory.state
            if (run.runbook, run.outcome, run.mode) == (runbook, Outcome.PASSED, "auto"):
                passed.append(datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started))
    return sorted(passed)[min(len(passed) - 1, round(0.95 * len(passed)))] if passed else None


def _checked(occurrences: Occurrences, state: StateDirectory, clocks: Clocks) -> Trust:
    """Whether the clock is believed, which is remembered for the next look on this machine."""
    path = state.path / CLOCK
    trust = check(_remembered(path), clocks, occurrences.last_decided())
    data = asdict(trust) | {"seen": {**asdict(clocks), "wall": clocks.wall.isoformat()}}
    with suppress(OSError):
        durable.write(path, json.dumps(data), lasting=False)
    return trust


def _remembered(path: Path) -> Trust | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        seen = Clocks(**{**data["seen"], "wall": datetime.fromisoformat(data["seen"]["wall"])})
        return Trust(**{**data, "seen": seen})
    except (OSError, ValueError, TypeError, LookupError):
        return None
