"""What is planned, what became of it, and why: for lists, for people who ask, and for the site."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from runner.core import duration
from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.scheduling.decision import Fate
from runner.scheduling.entries import ScheduleEntry, entries, entry
from runner.scheduling.instants import change_of_clock, instants, spread
from runner.services.schedules.tick import CLOCK, opened
from runner.store.occurrences import Occurrence
from runner.store.state_directory import StateDirectory

SILENT = timedelta(minutes=5)
"""After so long without a look somebody should ask where the scheduler is."""


@dataclass(frozen=True)
class PlannedInstant:
    """An instant that will come: when in the zone of its schedule, and what is to be known about it."""

    entry: ScheduleEntry
    instant: datetime
    local: datetime
    note: str


@dataclass(frozen=True)
class Past:
    """What became of an occurrence, and how its run ended; `outcome` is empty where there was none."""

    occurrence: Occurrence
    outcome: str

    @property
    def is_bad(self) -> bool:
        """Whether somebody should look at it."""
        missed = self.occurrence.state in {Fate.MISSED, Fate.REFUSED}
        return missed or self.outcome not in {"", "passed", "running"}

    @property
    def is_refused(self) -> bool:
        """Whether it could not be begun."""
        return self.occurrence.state == Fate.REFUSED


def upcoming(library: Library, now: datetime, until: datetime, *, only: str | None = None) -> Iterator[PlannedInstant]:
    """The instants that will come until then, in order."""
    yield from _merged(entries(library, only), now, until)


def next_of_each(found: Sequence[ScheduleEntry], now: datetime, until: datetime) -> dict[str, PlannedInstant]:
    """The first instant of each schedule that will come until then, by its name."""
    firsts = ((each.name, next(_merged([each], now, until), None)) for each in found)
    return {name: first for name, first in firsts if first}


def _merged(found: Sequence[ScheduleEntry], now: datetime, until: datetime) -> Iterator[PlannedInstant]:
    found = [each for each in found if each.schedule]
    yield from heapq.merge(
        *(_planned(each, now, until) for each in found), key=lambda each: (each.instant, each.entry.name)
    )


def _planned(entry: ScheduleEntry, now: datetime, until: datetime) -> Iterator[PlannedInstant]:
    schedule = entry.schedule
    assert schedule  # noqa: S101 - its caller has looked
    for instant in instants(schedule, now, until):
        later = spread(entry.name, instant, schedule.jitter)
        notes = [change_of_clock(schedule, instant), f"spread by {duration.show(later)}" if later else "", entry.fault]
        yield PlannedInstant(entry, instant, instant.astimezone(schedule.tz), "; ".join(filter(None, notes)))


def past(state: StateDirectory, since: datetime, *, schedule: str | None = None, bad: bool = False) -> list[Past]:
    """What became of the occurrences since then, newest first; only what somebody should look at where `bad`."""
    with opened(state) as occurrences, occurrences.held():
        found = occurrences.since(since, schedule)
    told = (Past(each, _outcome(state, each)) for each in reversed(found))
    return [each for each in told if each.is_bad or not bad]


def ended(state: StateDirectory, decided: Sequence[Occurrence]) -> list[Past]:
    """What became by now of the occurrences that a look has `decided`."""
    with opened(state) as occurrences, occurrences.held():
        now = [occurrences.of(each.schedule, each.planned) or each for each in decided]
    return [Past(each, _outcome(state, each)) for each in now]


def _outcome(state: StateDirectory, occurrence: Occurrence) -> str:
    directory = state.directory(occurrence.run)
    if not occurrence.run or not directory.exists:
        return ""
    run = directory.state
    return "running" if directory.live else run.outcome or run.status


def last_look(state: StateDirectory) -> datetime | None:
    """When a scheduler looked last on this machine; None where none ever has."""
    try:
        data = json.loads((state.path / CLOCK).read_text(encoding="utf-8"))
        return datetime.fromisoformat(data["seen"]["wall"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def silence(state: StateDirectory, now: datetime) -> str:
    """That no scheduler looks, in a sentence; empty where one does."""
    looked = last_look(state)
    if looked is None:
        return "no scheduler has ever looked: runbook schedule run, or a timer, does what is planned"
    if now - looked <= SILENT:
        return ""
    return f"no scheduler has looked for {duration.show(timedelta(minutes=(now - looked) // timedelta(minutes=1)))}"


def explain(library: Library, state: StateDirectory, name: str, instant: datetime, now: datetime) -> list[str]:
    """What is known of the occurrence of the schedule `name` at `instant`, in sentences.

    Raises:
        InvalidInputError: there is no such schedule.
    """
    found = entry(library, name)
    schedule = found.schedule
    assert schedule  # noqa: S101 - `entry` gives none without
    local = instant.astimezone(schedule.tz)
    lines = [f"{name} at {local:%Y-%m-%d %H:%M %Z} ({instant:%H:%M} UTC), planned at {found.place}"]
    if instant not in instants(schedule, instant - timedelta(seconds=1), instant):
        coming = next(instants(schedule, instant, instant + timedelta(days=1500)), None)
        hint = f"the next is at {coming.astimezone(schedule.tz):%Y-%m-%d %H:%M %Z}" if coming else "none comes after it"
        return [*lines, f"it is no instant of this schedule; {hint}"]
    lines += filter(None, [change_of_clock(schedule, instant), found.fault])
    with opened(state) as occurrences, occurrences.held():
        decided = occurrences.of(name, instant)
    if decided is None:
        return [*lines, "it has not come yet" if instant > now else "nobody has looked at it"]
    told = f"{decided.state} on {decided.decided:%Y-%m-%d %H:%M} UTC" + (f": {decided.why}" if decided.why else "")
    outcome = _outcome(state, decided)
    return [*lines, told, *([f"run {decided.run}: {outcome}"] if outcome else [])]


def moment(text: str) -> datetime:
    """The instant that `text` names, like 2026-12-06T01:30Z.

    Raises:
        InvalidInputError: it names none, or in a zone that is not said.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"{text!r} is no time", hint="write it like 2026-12-06T01:30Z") from None
    if found.tzinfo is None:
        raise InvalidInputError(f"{text!r} has no zone", hint=f"write it like {text}Z for UTC, or {text}+01:00")
    return found.astimezone(UTC)
