"""The instants of schedules that will come, in order, and what the site shows of planned work."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import TYPE_CHECKING

from runner.core import duration
from runner.core.deferred import dataclass
from runner.render.site.month_view import PlannedItem, PlannedSchedule, PlannedWork, span
from runner.scheduling.instants import change_of_clock, instants, spread
from runner.services.schedules.deciding import all_entries
from runner.services.schedules.overview import all_schedules, past, silence

if TYPE_CHECKING:
    from runner.library.library import Library
    from runner.scheduling.entries import ScheduleEntry
    from runner.store.state_directory import StateDirectory

AHEAD = timedelta(days=366 * 8)
"""So far ahead the next instant of a schedule is looked for: from one 29 February to the next it may be eight years."""


@dataclass(frozen=True)
class PlannedInstant:
    """An instant that will come: when in the zone of its schedule, and what is to be known about it."""

    entry: ScheduleEntry
    instant: datetime
    local: datetime
    note: str


def upcoming(
    library: Library, state: StateDirectory, now: datetime, until: datetime, *, only: str | None = None
) -> Iterator[PlannedInstant]:
    """The instants that will come until then, in order."""
    yield from upcoming_of(all_entries(library, state, only), now, until)


def next_of_each(found: Sequence[ScheduleEntry], now: datetime) -> dict[str, PlannedInstant]:
    """The first instant of each schedule that will come, by its name."""
    firsts = ((each.name, next(upcoming_of([each], now, now + AHEAD), None)) for each in found)
    return {name: first for name, first in firsts if first}


def upcoming_of(found: Sequence[ScheduleEntry], now: datetime, until: datetime) -> Iterator[PlannedInstant]:
    """The same of those that were `found`."""
    found = [each for each in found if each.schedule]
    yield from heapq.merge(
        *(_planned(each, now, until) for each in found), key=lambda each: (each.instant, each.entry.name)
    )


def _planned(entry: ScheduleEntry, now: datetime, until: datetime) -> Iterator[PlannedInstant]:
    schedule = entry.schedule
    assert schedule  # noqa: S101 - its caller has looked
    for instant in instants(schedule.times, now, until):
        later = spread(entry.name, instant, schedule.jitter)
        begins = f"begins {duration.whole(later.total_seconds())} later" if later else ""
        notes = [change_of_clock(schedule.times, instant), begins, entry.fault]
        yield PlannedInstant(entry, instant, instant.astimezone(schedule.tz), "; ".join(filter(None, notes)))


_MOST = 500
"""So many coming instants of a schedule are shown: more than that nobody reads in a calendar."""


def planned_work(library: Library, state: StateDirectory, now: datetime) -> PlannedWork | None:
    """What is planned in `library`, and what became of it by the record; None where nothing ever was.

    Raises:
        AuditError: what was recorded cannot be read.
    """
    found = all_schedules(library, state, now)
    first, last = (datetime.combine(day, time(), UTC) for day in span(now.date()))
    before = list(_past(state, first, {each.name: each.schedule.tz for each in found if each.schedule}))
    if not (found or before):
        return None
    items = [*before, *(each for entry in found for each in _coming(entry, now, last + timedelta(days=1)))]
    return PlannedWork(tuple(_schedules(found, now)), tuple(items), silence(state, now) if found else "")


def _coming(entry: ScheduleEntry, now: datetime, until: datetime) -> Iterator[PlannedItem]:
    """The coming instants of a schedule, whole days of them, as far as they can be shown."""
    found = list(islice(upcoming_of([entry], now, until), _MOST + 1))
    end = found[-1].local.date() if len(found) > _MOST else None
    for each in found:
        if end is None or each.local.date() < end:
            yield PlannedItem(entry.name, each.local, "planned", why=each.note)


def _past(state: StateDirectory, since: datetime, zones: dict[str, tzinfo]) -> Iterator[PlannedItem]:
    for each in past(state, since):
        occurrence = each.occurrence
        local = occurrence.planned.astimezone(zones.get(occurrence.schedule, UTC))
        yield PlannedItem(occurrence.schedule, local, occurrence.state, each.outcome, occurrence.why, occurrence.run)


def _schedules(found: Sequence[ScheduleEntry], now: datetime) -> Iterator[PlannedSchedule]:
    following = next_of_each(found, now)
    for each in found:
        due = following.get(each.name)
        inventory = each.schedule.inventory if each.schedule else ""
        yield PlannedSchedule(each.name, each.when, inventory, due.local if due else None, each.fault)
