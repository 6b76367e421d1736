"""Thresholds as people write them, `above 90 %`, and as conditions do, `row.percent > 90`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

from runner.model.checks.condition import comparisons

_UP = r"above|over|more\s+than|greater\s+than|higher\s+than|longer\s+than|exceed(?:s|ing)?|at\s+least|>=|≥|>"
_DOWN = r"below|under|less\s+than|lower\s+than|fewer\s+than|shorter\s+than|at\s+most|up\s+to|<=|≤|<"
_NOT = re.compile(r"(?i)\b(?:not?|never|without)\s+(?:\w+\s+)?$|n't\s+$")
_UNIT = (
    r"%|percent\b|(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)\b"
    r"|(?:[kmgt]i?b|bytes?)\b"
)
_PHRASE = re.compile(
    rf"(?i)(?<!\w)(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\s*(?:of\s+)?(?P<number>\d+(?:[.,]\d+)?)\s?(?P<unit>{_UNIT})?"
)
_SCALES: dict[str, tuple[str, float]] = {
    "%": ("share", 0.01),
    "percent": ("share", 0.01),
    "ms": ("time", 0.001),
    "millisecond": ("time", 0.001),
    **dict.fromkeys(("s", "sec", "second"), ("time", 1.0)),
    **dict.fromkeys(("m", "min", "minute"), ("time", 60.0)),
    **dict.fromkeys(("h", "hour"), ("time", 3600.0)),
    **dict.fromkeys(("d", "day"), ("time", 86400.0)),
    "byte": ("size", 1.0),
    **{f"{prefix}b": ("size", 1000.0**power) for power, prefix in enumerate("kmgt", 1)},
    **{f"{prefix}ib": ("size", 1024.0**power) for power, prefix in enumerate("kmgt", 1)},
}
_SUFFIXES = {
    "percent": "%",
    "pct": "%",
    "ms": "ms",
    "s": "s",
    "seconds": "s",
    "secs": "s",
    "minutes": "m",
    "hours": "h",
}
_SUFFIXES |= {f"{prefix}b": f"{prefix}b" for prefix in "kmgt"} | {"bytes": "byte"}
_OPS = {"gt": True, "gteq": True, "lt": False, "lteq": False}


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number that something is above (`up`) or below; `unit` is empty where none is written.

    `scaled` is whether the number is multiplied by something else, so that it is a share of that.
    """

    number: float
    unit: str
    up: bool
    text: str
    about: str = ""
    scaled: bool = False

    @property
    def dimension(self) -> str:
        """What the unit measures: share, time, size; empty without a unit."""
        return _SCALES[self.unit][0] if self.unit else ""

    @property
    def value(self) -> float:
        """The number in the dimension's own unit."""
        return self.number * (_SCALES[self.unit][1] if self.unit else 1)


def in_words(text: str) -> list[Threshold]:
    """The thresholds that a sentence names."""
    found = []
    for match in _PHRASE.finditer(text):
        up = bool(match["up"]) is not bool(_NOT.search(text[: match.start()]))
        unit = (match["unit"] or "").casefold()
        unit = unit if unit in _SCALES else unit.removesuffix("s")
        found.append(Threshold(float(match["number"].replace(",", ".")), unit, up, match[0].strip(), text))
    return found


def in_condition(text: str) -> list[Threshold]:
    """The thresholds of a condition: each comparison of something with a number."""
    return [found for compare in comparisons(text) for found in _compared(compare)]


def same(one: Threshold, other: Threshold) -> bool:
    """Whether both name the same number, as far as their units say."""
    if one.dimension == other.dimension:
        return _close(one.value, other.value)
    if one.scaled or other.scaled:
        return _close(one.value, other.value) or _close(one.number, other.number)
    scales = {1.0, *(scale for kind, scale in _SCALES.values() if kind in {one.dimension, other.dimension})}
    return not (one.unit and other.unit) and any(
        _close(one.number * a, other.number * b) for a in scales for b in scales if 1.0 in {a, b} or a == b
    )


def _compared(compare: nodes.Compare) -> Iterator[Threshold]:
    if len(compare.ops) != 1 or compare.ops[0].op not in _OPS:
        return
    left, right, up = compare.expr, compare.ops[0].expr, _OPS[compare.ops[0].op]
    for side, other, direction in ((right, left, up), (left, right, not up)):
        number, scaled = _number(side)
        about = " ".join(_names(other))
        if number is not None and about:
            unit = next((_SUFFIXES[word] for word in reversed(about.split()) if word in _SUFFIXES), "")
            yield Threshold(number, unit, direction, f"{number:g}", about, scaled)


def _number(node: nodes.Node) -> tuple[float | None, bool]:
    match node:
        case nodes.Const(value=int() | float() as value) if not isinstance(value, bool):
            return float(value), False
        case nodes.Mul():
            sides = [_number(side)[0] for side in (node.left, node.right)]
            numbers = [number for number in sides if number is not None]
            return (numbers[0], True) if len(numbers) == 1 else (None, False)
    return None, False


def _names(node: nodes.Node) -> Iterator[str]:
    for part in [node, *node.find_all((nodes.Name, nodes.Getattr, nodes.Getitem))]:
        name = part.name if isinstance(part, nodes.Name) else part.attr if isinstance(part, nodes.Getattr) else ""
        yield from name.split("_")


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1e-9)
