"""The hours in which a contact is called: `mon-fri 08:00-18:00 Europe/Berlin`."""

import re
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from runner.core.deferred import regex
from runner.core.fields import Keywords

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(_DAYS)
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_HOURS = regex(
    rf"(?:(?P<first>{_DAY})(?:-(?P<last>{_DAY}))? )?(?P<begin>{_TIME})-(?P<end>{_TIME}) (?P<zone>[A-Za-z0-9_+/-]+)"
)


def _valid(text: str) -> str:
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(f"must be like mon-fri 08:00-18:00 Europe/Berlin, or 22:00-06:00 UTC, not {text[:40]!r}")
    try:
        ZoneInfo(match["zone"])
    except (LookupError, ValueError, OSError):
        raise ValueError(
            f"{match['zone']!r} is no time zone that this machine knows; write a name like Europe/Berlin, or UTC"
        ) from None
    return text


_PATTERN = re.sub(r"\?P<\w+>", "?:", _HOURS.pattern)
CallHours = Annotated[str, AfterValidator(_valid), Keywords(pattern=f"^{_PATTERN}$")]
"""Days (every day without them), the time of day, and its zone; what ends before it begins ends on the next day."""


def within(hours: str, now: datetime) -> bool:
    """Whether `now` is within `hours`, the end not included."""
    match = _HOURS.fullmatch(hours)
    assert match  # noqa: S101 - it was validated
    local = now.astimezone(ZoneInfo(match["zone"]))
    time, begin, end = local.strftime("%H:%M"), match["begin"], match["end"]
    if begin < end:
        return begin <= time < end and _is_day(local, match)
    return (time >= begin and _is_day(local, match)) or (time < end and _is_day(local - timedelta(days=1), match))


def _is_day(local: datetime, hours: re.Match[str]) -> bool:
    first = _DAYS.index(hours["first"] or "mon")
    last = _DAYS.index(hours["last"] or hours["first"] or "sun")
    return (local.weekday() - first) % 7 <= (last - first) % 7
