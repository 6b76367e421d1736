"""What is planned, what became of it, and why: for lists, for people who ask, and for the site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from runner.core import duration
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.events import Outcome
from runner.scheduling.decision import Facts, Fate, decide
from runner.scheduling.instants import change_of_clock, instants
from runner.services.schedules.circumstances import Circumstances
from runner.services.schedules.clock_memory import last_look
from runner.services.schedules.deciding import all_entries, decided, one_entry
from runner.services.schedules.planned_drills import as_it_stands

if TYPE_CHECKING:
    from runner.library.library import Library
    from runner.model.schedules.schedule import Schedule
    from runner.scheduling.entries import ScheduleEntry
    from runner.store.occurrences import Occurrence
    from runner.store.state_directory import StateDirectory

SILENT = timedelta(minutes=5)
"""After so long without a look somebody should ask where the scheduler is."""


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


def all_schedules(library: Library, state: StateDirectory, now: datetime) -> list[ScheduleEntry]:
    """Every schedule; its `fault` is what keeps it from being begun now, also that it is paused or not approved."""
    found = all_entries(library, state)
    with decided(state) as occurrences:
        circumstances = Circumstances(library, state, occurrences, now)
        faults = [circumstances.hindrance(each, each.schedule) if each.schedule else each.fault for each in found]
    return [replace(each, fault=fault) for each, fault in zip(found, faults, strict=True)]


def past(state: StateDirectory, since: datetime, *, schedule: str | None = None, bad: bool = False) -> list[Past]:
    """What became of the occurrences since then, newest first; only what somebody should look at where `bad`."""
    with decided(state) as occurrences:
        found = occurrences.since(since, schedule)
    told = (Past(each, _outcome(state, each)) for each in reversed(found))
    return [each for each in told if each.is_bad or not bad]


def ended(state: StateDirectory, found: Sequence[Occurrence]) -> list[Past]:
    """What became by now of the occurrences that a look has `found`."""
    with decided(state) as occurrences:
        now = [occurrences.of(each.schedule, each.planned) or each for each in found]
    return [Past(each, _outcome(state, each)) for each in now]


def _outcome(state: StateDirectory, occurrence: Occurrence) -> str:
    if occurrence.outcome:
        return as_it_stands(state, occurrence).outcome
    directory = state.directory(occurrence.run)
    if not occurrence.run or not directory.exists:
        return ""
    try:
        run = directory.state
    except InvalidInputError:  # `audit verify` tells of it
        return Outcome.UNKNOWN
    return "running" if directory.live else run.outcome or run.status


def silence(state: StateDirectory, now: datetime) -> str:
    """That no scheduler looks, or that none decides, in a sentence; empty where one does."""
    last = last_look(state)
    if last is None:
        return "no scheduler has ever looked: runbook schedule run, or a timer, does what is planned"
    if last.held:
        return f"nothing is decided: {last.held}; runbook schedule trust-clock says that the time is right"
    ago = now - last.seen.wall
    minutes = timedelta(minutes=ago // timedelta(minutes=1))
    return f"no scheduler has looked for {duration.show(minutes)}" if ago > SILENT else ""


def explain(library: Library, state: StateDirectory, name: str, instant: datetime, now: datetime) -> list[str]:
    """What is known of the occurrence of the schedule `name` at `instant`, in sentences.

    Raises:
        InvalidInputError: there is no such schedule.
    """
    found = one_entry(library, state, name)
    schedule = found.schedule
    assert schedule  # noqa: S101 - `one_entry` gives none without
    local = instant.astimezone(schedule.tz)
    lines = [f"{name} at {local:%Y-%m-%d %H:%M %Z} ({instant:%H:%M} UTC), planned at {found.place}"]
    if instant not in instants(schedule.times, instant - timedelta(seconds=1), instant):
        coming = next(instants(schedule.times, instant, instant + timedelta(days=1500)), None)
        hint = f"the next is at {coming.astimezone(schedule.tz):%Y-%m-%d %H:%M %Z}" if coming else "none comes after it"
        return [*lines, f"it is no instant of this schedule; {hint}"]
    lines += filter(None, [change_of_clock(schedule.times, instant)])
    with decided(state) as occurrences:
        became = occurrences.of(name, instant)
        since = occurrences.horizons().get(name)
        facts = Circumstances(library, state, occurrences, now).facts(found, schedule)
    if became:
        return [*lines, *_past_in_words(state, became)]
    if since and instant <= since:
        return [*lines, "nobody has looked at it: the schedule counts from a later time on"]
    return [*lines, *_future_in_words(schedule, instant, facts)]


def _past_in_words(state: StateDirectory, became: Occurrence) -> Iterator[str]:
    yield f"{became.state} on {became.decided:%Y-%m-%d %H:%M} UTC" + (f": {became.why}" if became.why else "")
    if outcome := _outcome(state, became):
        yield f"run {became.run}: {outcome}"


def _future_in_words(schedule: Schedule, instant: datetime, facts: Facts) -> Iterator[str]:
    """What is to be expected of an instant that nobody has decided about, as things stand now."""
    if instant > facts.now:
        yield "it has not come yet"
        obstacles = {"refused": facts.fault, "skipped": facts.paused and f"paused {facts.paused}"}
        yield from (f"as things stand it will be {fate}: {why}" for fate, why in obstacles.items() if why)
        return
    expected = decide(schedule, instant, facts)
    yield "it has come, and no scheduler has decided about it yet"
    yield f"a look now would decide: {expected.fate}" + (f": {expected.why}" if expected.why else "")


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
