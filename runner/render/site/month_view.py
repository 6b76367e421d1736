"""What is planned, and what became of what was planned, day by day in the shape of a calendar."""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from runner.core.deferred import dataclass
from runner.core.wording import grouped

_TONES = {"planned": "info", "ran": "good", "claimed": "info", "missed": "bad", "refused": "bad", "skipped": ""}
_GOOD_ENDS = frozenset({"", "passed", "running"})


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One planned instant of a `schedule`, `local` in its zone; `state` is what became of it, or `planned`.

    `outcome` is how its run ended, if it had one.
    """

    schedule: str
    local: datetime
    state: str
    outcome: str = ""
    why: str = ""
    run: str = ""

    @property
    def runbook(self) -> str:
        """The id of its runbook."""
        return self.schedule.partition("/")[0]

    @property
    def word(self) -> str:
        """What became of it, in a word."""
        return self.outcome if self.state == "ran" and self.outcome else self.state

    @property
    def tone(self) -> str:
        """How much somebody should care, as the style sheet calls it."""
        return "bad" if self.outcome not in _GOOD_ENDS else _TONES[self.state]

    @property
    def is_bad(self) -> bool:
        """Whether somebody should look at it."""
        return self.tone == "bad"


@dataclass(frozen=True, slots=True)
class PlannedSchedule:
    """A schedule: when it is due in words, its next instant, and what keeps it from being begun."""

    name: str
    when: str
    inventory: str
    following: datetime | None
    fault: str


@dataclass(frozen=True, slots=True)
class PlannedWork:
    """Everything that is told of planned work; `silence` says that no scheduler looks."""

    schedules: tuple[PlannedSchedule, ...]
    items: tuple[PlannedItem, ...]
    silence: str = ""

    @property
    def bad(self) -> list[PlannedItem]:
        """What went wrong, newest first."""
        return sorted((item for item in self.items if item.is_bad), key=lambda item: item.local, reverse=True)


@dataclass(frozen=True, slots=True)
class DayLine:
    """What is said in a day of instants of one schedule that have become the same: the first, and how many."""

    item: PlannedItem
    number: int

    @property
    def time(self) -> str:
        """When, or how often."""
        return f"{self.item.local:%H:%M}" if self.number == 1 else f"{self.number} times"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a month, and what is said of it; one beside the month has no `lines`."""

    date: date
    inside: bool
    lines: tuple[DayLine, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """A month in weeks that begin on Monday."""

    title: str
    weeks: tuple[tuple[Day, ...], ...]


def span(today: date) -> tuple[date, date]:
    """The days that are shown: from the first of the month before to the last of the month after."""
    first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return first, _after(_after(_after(first))) - timedelta(days=1)


def _after(first: date) -> date:
    """The first day of the next month."""
    return (first + timedelta(days=32)).replace(day=1)


def months(items: Iterable[PlannedItem], today: date) -> list[Month]:
    """This month, then the one before and the one after, as far as they have anything to show."""
    ordered = sorted(items, key=lambda item: (item.local.date(), item.local.isoformat()))
    days = grouped((item.local.date(), item) for item in ordered)
    first, _ = span(today)
    before, now, after = first, _after(first), _after(_after(first))
    shown = [month for month in (before, after) if any(each.replace(day=1) == month for each in days)]
    return [_month(month, days) for month in (now, *shown)]


def _month(first: date, days: Mapping[date, Sequence[PlannedItem]]) -> Month:
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    made = tuple(tuple(_day(each, first, days.get(each, ())) for each in week) for week in weeks)
    return Month(f"{first:%B %Y}", made)


def _day(day: date, first: date, items: Sequence[PlannedItem]) -> Day:
    inside = day.month == first.month
    same = grouped(((item.schedule, item.word), item) for item in items).values() if inside else ()
    return Day(day, inside, tuple(DayLine(each[0], len(each)) for each in same))
