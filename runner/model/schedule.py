"""When a runbook is due: a cron expression, and whether its time ever comes."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice

from cronsim import CronSim, CronSimError

from runner.core.fields import Limit, Model, Text

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
_HOURS = re.compile(r"(?P<from>[012]?\d:[0-5]\d)\s*(?:-|to)\s*(?P<to>[012]?\d:[0-5]\d)")
_ANY_DAY = datetime(2026, 1, 1)  # noqa: DTZ001 - the hours of the day are compared, wherever they are
_MANY = 400
"""As many occurrences are looked at: more than a year of days."""


class Schedule(Model):
    """One schedule as it is written.

    `cron` has five fields, in the time of `zone`, a name like Europe/Berlin. A run may begin `late_ok` after its time,
    and within the `window`; `if_missed` and `overlap` say what follows when it cannot.
    """

    cron: Text
    zone: Text | None = None
    inventory: Text | None = None
    window: Text | None = None
    late_ok: Limit | None = None
    if_missed: Text | None = None
    overlap: Text | None = None


def problem(cron: str) -> str:
    """Why `cron` never comes, or is no cron expression; empty when there is nothing wrong with it."""
    fields = _SHORT.get(cron.casefold(), cron)
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
    match = _HOURS.search(window)
    if match is None:
        return False
    first, last = (tuple(map(int, match[side].split(":"))) for side in ("from", "to"))
    times = ((each.hour, each.minute) for each in islice(CronSim(_SHORT.get(cron.casefold(), cron), _ANY_DAY), _MANY))
    if first <= last:
        return not any(first <= time <= last for time in times)
    return all(last < time < first for time in times)
