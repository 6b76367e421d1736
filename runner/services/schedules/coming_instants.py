"""The instants of schedules that will come, in order, each with what is to be known about it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runner.core import duration
from runner.core.deferred import dataclass
from runner.scheduling.instants import change_of_clock, instants, spread
from runner.services.schedules.deciding import all_entries

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
