"""What the site shows of planned work: what will come, beside what became of what has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import TYPE_CHECKING

from runner.render.site.month_view import PlannedItem, PlannedSchedule, PlannedWork, span
from runner.services.schedules.coming_instants import next_of_each, upcoming_of
from runner.services.schedules.overview import all_schedules, past, silence

if TYPE_CHECKING:
    from runner.library.library import Library
    from runner.scheduling.entries import ScheduleEntry
    from runner.store.state_directory import StateDirectory

_MOST = 500
"""So many coming instants of a schedule are shown: more than that nobody reads in a calendar."""


def planned_work(library: Library, state: StateDirectory, now: datetime) -> PlannedWork | None:
    """What is planned in `library`, and what became of it by the record; None where nothing ever was.

    Raises:
        AuditError: what was recorded cannot be read.
    """
    found = all_schedules(library, state, now)
    first, last = (datetime.combine(day, time(), UTC) for day in span(now.date()))
    before = list(_past(state, first, {each.name: _zone(each) for each in found}))
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


def _zone(entry: ScheduleEntry) -> tzinfo:
    return entry.schedule.tz if entry.schedule else UTC


def _schedules(found: Sequence[ScheduleEntry], now: datetime) -> Iterator[PlannedSchedule]:
    following = next_of_each(found, now)
    for each in found:
        due = following.get(each.name)
        inventory = each.schedule.inventory if each.schedule else ""
        yield PlannedSchedule(each.name, each.when, inventory, due.local if due else None, each.fault)
