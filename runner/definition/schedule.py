"""When a runbook is due: a cron expression, and the days on which it means anything at all."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator

from runner.duration import Limit
from runner.fields import Model, Text

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_DAYS = "sun mon tue wed thu fri sat"
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day", 1, 31, {}),
    ("month", 1, 12, {name: n for n, name in enumerate(_MONTHS.split(), 1)}),
    ("weekday", 0, 7, {name: n for n, name in enumerate(_DAYS.split())}),
)
_SHORT = frozenset({"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"})
_ITEM = re.compile(r"(?P<any>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?")
_LEAP_YEAR = 2024


class Schedule(Model):
    """One schedule as it is written.

    `cron` has five fields, in the time of `zone`, a name like Europe/Berlin. A run may begin `late_ok` after its time,
    and within the `window`; `if_missed` and `overlap` say what follows when it can not.
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
    words = cron.casefold().split()
    if words in [[name] for name in _SHORT]:
        return ""
    if len(words) != len(_FIELDS):
        return f"has {len(words)} fields; a cron expression has minute, hour, day, month and weekday"
    values: list[set[int]] = []
    for word, (name, low, high, names) in zip(words, _FIELDS, strict=True):
        try:
            values.append({value for item in word.split(",") for value in _values(item, low, high, names)})
        except ValueError as error:
            return f"the {name} {word!r} {error}"
    return _never(values[2], values[3]) if words[4] == "*" else ""


def _values(item: str, low: int, high: int, names: dict[str, int]) -> Iterator[int]:
    text, slash, step = item.partition("/")
    match = _ITEM.fullmatch(text)
    if match is None or (slash and not (step.isascii() and step.isdigit() and int(step))):
        raise ValueError("is not a number, a range or a step")
    first = low if match["any"] else _value(match["first"], low, high, names)
    last = _value(match["last"], low, high, names) if match["last"] else high if match["any"] or slash else first
    if last < first:
        raise ValueError("ends before it begins")
    yield from range(first, last + 1, int(step or 1))


def _value(text: str, low: int, high: int, names: dict[str, int]) -> int:
    number = names.get(text, int(text) if text.isascii() and text.isdigit() else None)
    if number is None or not low <= number <= high:
        raise ValueError(f"is not from {low} to {high}")
    return number


def _never(days: set[int], months: set[int]) -> str:
    if any(min(days) <= monthrange(_LEAP_YEAR, month)[1] for month in months):
        return ""
    names = _MONTHS.title().split()
    return f"never comes: no {' or '.join(names[month - 1] for month in sorted(months))} has a day {min(days)}"
