"""One look at all schedules of a library: each instant that has come is decided once, and recorded with a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from runner.core import duration
from runner.core.deferred import dataclass
from runner.core.errors import RunbookError
from runner.core.events import EventType
from runner.scheduling.decision import Fate, Judgement, decide
from runner.scheduling.entries import Known, ScheduleEntry, entries
from runner.scheduling.instants import instants
from runner.services.schedules.circumstances import Circumstances
from runner.services.schedules.clock_memory import checked, last_look
from runner.services.schedules.deciding import Note, asked_of, deciding, known_schedules, run_id
from runner.store.occurrences import Occurrence, Occurrences

if TYPE_CHECKING:
    from runner.library.library import Library
    from runner.model.schedules.times import Times
    from runner.scheduling.clock_check import Clocks
    from runner.store.run_state import RunDirectory
    from runner.store.state_directory import RecordContext, StateDirectory

LOOK_BACK = timedelta(days=366)
"""What is older is not looked at one by one."""
_SURE = timedelta(days=1)
"""So far ahead it is noted that nothing is due: another release finds out by itself soon."""
_MOST = 10_000
"""The instants of a schedule that are decided in one look."""
TAKEN_OVER = timedelta(seconds=90)
"""After so long what somebody else was to do, who is dead then, is done by whoever looks."""
_NOT_YET = "its run was to begin, and whoever was to begin it died"
_TAKEN_OUT = "the schedule was taken out before it could begin"
_CHANGED = "the schedule was given other times before it could begin"


@dataclass(frozen=True)
class Ticked:
    """What one look came to: why nothing was decided (`held`), what was `decided`, and which are `to_begin` now.

    `broken` are schedules of which nobody knows when they are due. `untold` was decided by others, who have not told
    those who are to hear of it. What `to_ask` will ask is to be approved in advance, and nobody was told so yet.
    """

    held: str = ""
    decided: tuple[Occurrence, ...] = ()
    to_begin: tuple[Occurrence, ...] = ()
    broken: tuple[ScheduleEntry, ...] = ()
    untold: tuple[Occurrence, ...] = ()
    to_ask: tuple[Occurrence, ...] = ()


def tick(recording: RecordContext, library: Library, clocks: Callable[[], Clocks]) -> Ticked:
    """Decide every instant that has come by `clocks`, which are read when nobody else decides any more.

    Raises:
        AuditError: nothing can be recorded; then nothing is decided.
        LockedError: somebody else decides for very long.
    """
    state, machine = recording.state, recording.actor.host
    with deciding(recording) as (occurrences, note):
        now, before = clocks(), last_look(state)
        trust = checked(state, machine, now, occurrences.last_decided())
        if trust.held:
            return Ticked(held=trust.held)
        untold = [each for each in occurrences.untold() if now.wall - each.decided >= TAKEN_OVER]
        known = known_schedules(occurrences)
        found = entries(library, known=known)
        looked = min(before.seen.wall, now.wall) if before else now.wall
        looking = _Looking(state, library, occurrences, note, now.wall)
        decided = [*looking.changed(found, known, looked), *looking.unfinished(found)]
        decided += [each for entry in found for each in looking.due(entry)]
        to_ask = [each for entry in found for each in looking.asks_soon(entry)]
    return Ticked(
        decided=tuple(each for each in decided if each.state != Fate.BEGIN),
        to_begin=tuple(each for each in decided if each.state == Fate.BEGIN),
        broken=tuple(entry for entry in found if entry.times is None),
        untold=tuple(untold),
        to_ask=tuple(to_ask),
    )


class _Looking:
    """What one look at the schedules needs; all of it is recorded before anybody else looks."""

    def __init__(
        self, state: StateDirectory, library: Library, occurrences: Occurrences, note: Note, now: datetime
    ) -> None:
        self._state, self._occurrences, self._append, self._now = state, occurrences, note, now
        self._circumstances = Circumstances(library, state, occurrences, now)
        self._horizons, self._quiet = dict(occurrences.horizons()), occurrences.quiet()
        self._tell: dict[str, tuple[str, ...]] = {}

    def changed(self, found: list[ScheduleEntry], known: Known, looked: datetime) -> list[Occurrence]:
        """Record the schedules that are new, others, or gone; what becomes of those that were due when last `looked`.

        One that is due at other times now is so from then on: nobody has planned anything for the time before.
        """
        now = {entry.name: entry for entry in found}
        self._tell = {name: entry.tell for name, entry in now.items()}
        ended = list[Occurrence]()
        for name, before in known.items():
            if name not in now:
                ended += self._cut_off(before, looked, _TAKEN_OUT)
                self._see(replace(before, written={}), looked)
            elif now[name].times and now[name].times != before.times:
                ended += self._cut_off(before, looked, _CHANGED)
                self._see(now[name], looked)
            elif not now[name].fault and now[name].as_recorded() != before.as_recorded():
                self._see(now[name], self._horizons[name])
        for entry in found:
            if entry.times and entry.name not in known:
                self._see(entry, looked if entry.name in self._horizons else self._now)
        return ended

    def _see(self, entry: ScheduleEntry, since: datetime) -> None:
        self._append(EventType.SCHEDULE_SEEN, schedule=entry.name, since=since.isoformat(), **entry.as_recorded())
        self._horizons[entry.name] = max(since, self._horizons.get(entry.name, since))

    def _cut_off(self, before: ScheduleEntry, looked: datetime, why: str) -> Iterator[Occurrence]:
        """What was due as the schedule was before, and had not begun yet."""
        times, horizon = before.times, self._horizons[before.name]
        for instant in islice(instants(times, horizon, looked), _MOST) if times else ():
            yield self._record(_occurrence(before.name, instant, self._now), Fate.SKIPPED, why)

    def unfinished(self, found: list[ScheduleEntry]) -> list[Occurrence]:
        """What becomes of the claims of others, whose run has begun, or will not begin any more."""
        known = {entry.name: entry for entry in found}
        return [done for each in self._occurrences.claimed() if (done := self._settled(each, known.get(each.schedule)))]

    def _settled(self, claim: Occurrence, entry: ScheduleEntry | None) -> Occurrence | None:
        run = self._state.directory(claim.run)
        if run.exists:
            return self._record(claim, Fate.RAN, claim.why) if run.live or _was_recorded(run) else None
        if self._now - claim.decided < TAKEN_OVER:
            return None
        schedule = entry.schedule if entry else None
        if schedule and self._now - claim.planned <= max(schedule.late_ok, schedule.wait, TAKEN_OVER):
            return self._record(claim, Fate.BEGIN, "taken over: " + _NOT_YET)
        return self._record(claim, Fate.MISSED, _NOT_YET)

    def due(self, entry: ScheduleEntry) -> Iterator[Occurrence]:
        """What becomes of each instant of the schedule that has come since somebody looked."""
        if (times := entry.times) is None or self._is_quiet(entry.name, times):
            return
        after = self._after(entry, times, self._horizons[entry.name])
        planned, known = list(islice(instants(times, after, self._now), _MOST + 1)), None
        if not planned:
            self._note_quiet(entry.name, times)
        schedule = entry.schedule if planned else None
        if schedule is None:
            return
        for instant in planned[:_MOST]:
            known = known or self._circumstances.facts(entry, schedule)
            decision = decide(schedule, instant, replace(known, latest=instant == planned[-1]))
            if decision.fate is Fate.WAIT:
                return
            yield self._decided(entry, instant, decision)
            known = None if decision.fate is Fate.BEGIN else known  # which keeps the next from beginning

    def _is_quiet(self, name: str, times: Times) -> bool:
        """Whether an earlier look has found that no instant of the schedule comes until now."""
        basis, until = self._quiet.get(name, ("", ""))
        return bool(basis) and basis == self._basis(name, times) and self._now < datetime.fromisoformat(until)

    def _note_quiet(self, name: str, times: Times) -> None:
        """Note until when no instant of the schedule comes, as none has, so that the next looks need not find out."""
        if basis := self._basis(name, times):
            sure = self._now + _SURE
            until = next(instants(times, self._now, sure), sure)
            self._occurrences.note_quiet(name, basis, until.isoformat())

    def _basis(self, name: str, times: Times) -> str:
        return times.basis and f"{times.basis} {self._horizons[name].isoformat()}"

    def asks_soon(self, entry: ScheduleEntry) -> Iterator[Occurrence]:
        """Those to come of which people are to be asked by now what their runs will ask, and were not yet."""
        schedule = entry.schedule if entry.written.get("approval_lead") else None
        if schedule is None or schedule.approval_lead is None or self._circumstances.hindrance(entry, schedule):
            return
        asked = self._occurrences.facts(EventType.SCHEDULE_ASKED)
        for instant in islice(instants(schedule.times, self._now, self._now + schedule.approval_lead), _MOST):
            run = run_id(entry.name, instant)
            if asked_of(entry.name, run) not in asked:
                yield _occurrence(entry.name, instant, self._now, run)

    def _after(self, entry: ScheduleEntry, times: Times, horizon: datetime) -> datetime:
        """From when on the instants are looked at; how many are left out is recorded."""
        oldest = self._now - LOOK_BACK
        if horizon >= oldest:
            return horizon
        count = sum(1 for _ in islice(instants(times, horizon, oldest), 10 * _MOST))
        if count:
            why = f"{count} instants are older than {duration.show(LOOK_BACK)}, and were not looked at"
            self._append(EventType.SCHEDULE_LEFT_OUT, schedule=entry.name, until=oldest.isoformat(), why=why)
        return oldest

    def _decided(self, entry: ScheduleEntry, planned: datetime, decision: Judgement) -> Occurrence:
        run = run_id(entry.name, planned) if decision.fate is Fate.BEGIN else ""
        return self._record(_occurrence(entry.name, planned, self._now, run), decision.fate, decision.why)

    def _record(self, occurrence: Occurrence, fate: Fate, why: str) -> Occurrence:
        tell = self._tell.get(occurrence.schedule, ()) if fate in {Fate.MISSED, Fate.REFUSED} else ()
        data: dict[str, object] = {
            "schedule": occurrence.schedule,
            "planned": occurrence.planned.isoformat(),
            "why": why,
        }
        data |= {name: value for name, value in (("run", occurrence.run), ("tell", list(tell))) if value}
        if fate is Fate.BEGIN:
            self._append(EventType.SCHEDULE_CLAIMED, **data)
        else:
            self._append(EventType.SCHEDULE_DECIDED, state=fate, **data)
        return replace(occurrence, state=fate, why=why, tell=tell)


def _occurrence(schedule: str, planned: datetime, now: datetime, run: str = "") -> Occurrence:
    return Occurrence(schedule, planned, "", "", run, now)


def _was_recorded(run: RunDirectory) -> bool:
    """Whether the run has come to its first record; one whose state cannot be read has come somewhere."""
    try:
        return run.state.was_recorded
    except RunbookError:
        return True
