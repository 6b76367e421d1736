"""When a schedule is due: by a cron expression in the time of a zone, or after so much time again and again."""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, Self
from zoneinfo import TZPATH, ZoneInfo

from cronsim import CronSim, CronSimError

from runner.core import duration
from runner.core.deferred import dataclass

_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = ("minute", "hour", "day of the month", "month", "weekday")
_BAD = {
    "Bad minute": "no such minute: 0 to 59",
    "Bad hour": "no such hour: 0 to 23",
    "Bad day-of-month": "no such day in any of its months",
    "Bad month": "no such month: 1 to 12, or jan to dec",
    "Bad day-of-week": "no such weekday: 0 to 7, or sun to sat",
}
_ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - the hours of the day are compared, wherever they are
_MANY = 400
"""As many occurrences are looked at: more than a year of days."""


@dataclass(frozen=True, slots=True)
class Times:
    """`cron` in the time of `zone`, or `every` so much time since 1970 in UTC."""

    cron: str | None
    every: timedelta | None
    zone: str | None

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Self:
        """The times of a schedule that is `written` so, as JSON has it.

        Raises:
            ValueError: it has none.
        """
        cron, every = written.get("cron"), written.get("every")
        if not (cron or every):
            raise ValueError("neither `cron` nor `every` is written")
        return cls(cron, duration.parse(every) if every else None, written.get("zone"))

    @property
    def fields(self) -> str:
        """The five fields of `cron`; empty where `every` counts."""
        return _fields(self.cron) if self.cron else ""

    @property
    def names_an_hour(self) -> bool:
        """Whether it depends on the zone at which hour it comes."""
        return len(self.fields.split()) == len(_FIELDS) and self.fields.split()[1:] != ["*"] * 4

    @property
    def tz(self) -> ZoneInfo:
        """The zone in which it is meant.

        Raises:
            LookupError: no zone is called so; lint says that.
        """
        return ZoneInfo(self.zone or "UTC")

    @property
    def basis(self) -> str:
        """What its instants depend on, the rules of its zone among it; empty where those cannot be told apart."""
        rules = _rules(self.zone or "UTC")
        return f"{self.fields} {self.zone} {rules}" if self.cron and rules else ""

    @property
    def fault(self) -> str:
        """Why nobody knows when it is due; empty where one does."""
        if self.cron and (found := problem(self.cron)):
            return f"{self.cron!r} {found}"
        return "" if self.has_zone else f"no time zone is called {self.zone!r}"

    @property
    def has_zone(self) -> bool:
        """Whether there is a zone that is called so."""
        try:
            return bool(self.tz)
        except (LookupError, OSError, ValueError):
            return False


@lru_cache(maxsize=1024)
def _rules(zone: str) -> str:
    """What changes with the file that has the rules of `zone`; empty where it comes from elsewhere.

    A process keeps the rules that it has read, and so what it has seen of their file.
    """
    for directory in TZPATH:
        with suppress(OSError):
            status = os.stat(f"{directory}/{zone}")  # noqa: PTH116 - a Path takes longer
            return f"{status.st_ino}-{status.st_size}-{status.st_mtime_ns}"
    return ""


def _fields(cron: str) -> str:
    return _SHORT.get(cron.casefold(), cron)


@lru_cache(maxsize=1024)
def problem(cron: str) -> str:
    """Why `cron` never comes, or is no cron expression; empty when there is nothing wrong with it."""
    fields = _fields(cron)
    if len(fields.split()) != len(_FIELDS):
        return f"has {len(fields.split())} fields; a cron expression has {', '.join(_FIELDS[:-1])} and {_FIELDS[-1]}"
    try:
        next(CronSim(fields, _ANY_DAY))
    except CronSimError as error:
        return _BAD.get(str(error), str(error))
    except StopIteration:
        return "never comes"
    return ""


def outside(cron: str, window: str) -> bool:
    """Whether none of the times of a good `cron` is within the hours of `window` (22:00-04:00)."""
    begin, end = window.split("-")
    times = (f"{each:%H:%M}" for each in islice(CronSim(_fields(cron), _ANY_DAY), _MANY))
    if begin < end:
        return not any(begin <= time < end for time in times)
    return all(end <= time < begin for time in times)
