"""Durations as people write them, like `500ms`, `2m`, `1h30m`, `7d`, and waiting for something that long."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = r"\d+(?:\.\d+)?(?:ms|s|m|h|d|w)"
_SHOWN = 40  # characters of what was written, in a message
PATTERN = rf"^(?:{_PART})+$"


def parse(text: str) -> timedelta:
    """The duration that `text` names.

    Raises:
        ValueError: `text` is not a sequence of numbers with a unit of ms, s, m, h, d or w.
    """
    if not re.fullmatch(PATTERN, text, re.ASCII):
        raise ValueError(f"{text[:_SHOWN]!r} is not a duration; write a number and a unit, like 30s, 5m or 1h30m")
    parts = re.findall(r"([\d.]+)(ms|s|m|h|d|w)", text, re.ASCII)
    try:
        return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))
    except OverflowError:
        raise ValueError(f"{text[:_SHOWN]!r} is longer than any clock can measure") from None


def show(duration: timedelta) -> str:
    """`duration`, which is not negative, as people write it; to the millisecond, `parse` reads the same value back."""
    milliseconds = round(duration / timedelta(milliseconds=1))
    if 0 < milliseconds < 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds}ms"
    rest, text = timedelta(milliseconds=milliseconds), ""
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, timedelta(seconds=_SECONDS[unit]))
        text += f"{count}{unit}" if count else ""
    return text + seconds(rest) if rest or not text else text


def whole(seconds: float) -> str:
    """So many `seconds` as people write them, without the rest of one."""
    return show(timedelta(seconds=round(seconds)))


def seconds(duration: timedelta) -> str:
    """`duration` to the millisecond as coreutils read it: `30s`, `0.5s`."""
    whole, rest = divmod(round(duration / timedelta(milliseconds=1)), 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".") + "s"


def read(value: Any) -> timedelta:
    """The duration that `value` of a written file names.

    Raises:
        ValueError: it names none.
    """
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit; write it like 30s, 5m or 1h30m")  # noqa: TRY004 - pydantic collects ValueError
    return parse(value)


def read_limit(value: Any) -> timedelta:
    """The same, of at least a millisecond.

    Raises:
        ValueError: it names none, or no time at all.
    """
    if read(value) < timedelta(milliseconds=1):
        raise ValueError("must be longer than 0s")
    return read(value)


def comes_true(condition: Callable[[], object], *, within: float, every: float = 0.1) -> bool:
    """Whether `condition` holds `within` so many seconds; it is looked at once at least, and `every` so many again."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True
