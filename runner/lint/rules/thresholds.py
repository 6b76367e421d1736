"""The rule about numbers that differ: those of the trigger, those in words, and those in conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from math import isclose

from jinja2 import nodes

from runner.core.deferred import dataclass, regex
from runner.core.duration import show
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule
from runner.model.checks.condition import comparisons
from runner.model.verification import Verification

_UP = r"above|over|(?:more|greater|higher|longer)\s+than|exceed(?:s|ing)?|at\s+least|>=|≥|>"
_DOWN = r"below|under|(?:less|lower|fewer|shorter)\s+than|at\s+most|up\s+to|<=|≤|<"
_UNIT = r"(?:%|(?:percent|milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d|[kmgt]i?b|bytes?)\b)"
_PHRASE = regex(rf"(?i)(?<!\w)(?:(?P<up>{_UP})|{_DOWN})\s*(?:of\s+)?(?P<number>\d+(?:[.,]\d+)?)\s?(?P<unit>{_UNIT})?")
_NOT = regex(r"(?i)\b(?:not?|never|without)\s+(?:\w+\s+)?$|n't\s+$")
_LASTS = regex(rf"(?i)\b(?:(?P<within>within)|for(?:\s+at\s+least)?)\s+(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>{_UNIT})")
_OF_NAMES = regex(r"percent|pct|ms|s|seconds|secs|minutes|hours|[kmgt]b|bytes")
"""The units in the name of a value, like that of `wait_s`."""
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {
    f"{prefix}{i}b": base**power for power, prefix in enumerate("kmgt", 1) for i, base in (("", 1e3), ("i", 2.0**10))
}
_SCALES = {"share": (0.01, 1.0), "time": (0.001, *_SECONDS.values()), "size": (1.0, *_SIZES.values())}
"""What a number without a unit may be a multiple of."""
_UPWARDS = {"gt": True, "gteq": True, "lt": False, "lteq": False}
_SMALL = 4  # letters: shorter words connect, they name nothing
_CONNECTING = "above below over under least most more less than percent within after before again this that with"
_COMMON = frozenset(_CONNECTING.split())


@dataclass(frozen=True, slots=True)
class _Threshold:
    """A number that something is above (`up`) or below, and what of; `dimension` is empty where no unit is written.

    `value` is the number in the dimension's own unit. A `share` is multiplied by something else.
    """

    number: float
    up: bool
    text: str
    about: str
    dimension: str
    value: float
    share: bool = False

    def equals(self, other: _Threshold) -> bool:
        """Whether both name the same number, as far as their units say."""
        if self.dimension == other.dimension:
            return isclose(self.value, other.value)
        if self.share or other.share:
            return isclose(self.value, other.value) or isclose(self.number, other.number)
        bare, measured = (other, self) if self.dimension else (self, other)
        scales = _SCALES[measured.dimension] if not bare.dimension else ()
        return any(isclose(bare.number * scale, measured.value) for scale in scales)


def _measure(unit: str) -> tuple[str, float]:
    """What the written `unit` measures, and how many of the dimension's own units it is."""
    if not unit:
        return "", 1.0
    if unit[0] in "%p":
        return "share", 0.01
    if unit in _SIZES or unit.startswith("byte"):
        return "size", _SIZES.get(unit, 1.0)
    return "time", 0.001 if unit.startswith(("ms", "mil")) else _SECONDS[unit[0]]


def _threshold(number: float, unit: str, text: str, about: str, *, up: bool, share: bool = False) -> _Threshold:
    dimension, scale = _measure(unit.casefold())
    return _Threshold(number, up, text, about, dimension, number * scale, share)


def _in_words(text: str) -> list[_Threshold]:
    """The thresholds that a sentence names."""
    return [
        _threshold(
            float(match["number"].replace(",", ".")),
            match["unit"] or "",
            match[0].strip(),
            text,
            up=bool(match["up"]) is not bool(_NOT.search(text[: match.start()])),
        )
        for match in _PHRASE.finditer(text)
    ]


def _in_conditions(verification: Verification) -> list[_Threshold]:
    """The thresholds of its conditions: each comparison of something with a number."""
    compared = [each for text in verification.expressions for each in comparisons(text)]
    return [threshold for compare in compared for threshold in _compared(compare)]


def _compared(compare: nodes.Compare) -> Iterator[_Threshold]:
    if len(compare.ops) != 1 or compare.ops[0].op not in _UPWARDS:
        return
    left, right, up = compare.expr, compare.ops[0].expr, _UPWARDS[compare.ops[0].op]
    for side, other, upwards in ((right, left, up), (left, right, not up)):
        number, share = _number(side)
        words = [word for name in _names(other) for word in name.split("_")]
        if number is not None and words:
            unit = next(filter(_OF_NAMES.fullmatch, reversed(words)), "")
            yield _threshold(number, unit, f"{number:g}", " ".join(words), up=upwards, share=share)


def _number(node: nodes.Node) -> tuple[float | None, bool]:
    """The number that `node` is, or by which it multiplies something, and which of the two."""
    match node:
        case nodes.Const(value=int() | float() as value) if not isinstance(value, bool):
            return float(value), False
        case nodes.Mul():
            numbers = [number for side in (node.left, node.right) if (number := _number(side)[0]) is not None]
            return (numbers[0], True) if len(numbers) == 1 else (None, False)
    return None, False


def _names(node: nodes.Node) -> Iterator[str]:
    for part in (node, *node.find_all((nodes.Name, nodes.Getattr))):
        yield part.name if isinstance(part, nodes.Name) else part.attr if isinstance(part, nodes.Getattr) else ""


_WRONG = """\
trigger: {alert: MON-001, condition: disk usage above 90 %}
steps:
  - id: look
    name: Look at the disk usage
    effect: read
    shell: df --output=pcent /data | tail -1 | tr -d ' %'
    verify: [{says: The disk usage is above 80 %, that: stdout | int > 80}]
"""


@Rule(
    "inconsistent-threshold",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="When the trigger, the words and the condition name different numbers, one of them is wrong.",
    wrong=_WRONG,
    right=_WRONG.replace("80", "90"),
    gives_way_to=("check-cannot-fail", "unreachable-condition"),
)
def inconsistent_threshold(context: LintContext) -> Iterator[Hit]:
    """A number, or its unit, that is not the one of the trigger, or not the one in words."""
    trigger = context.runbook.trigger
    alarms = _in_words(f"{trigger.condition or ''}; {trigger.event or ''}")
    for place, step, verification in context.verifications():
        in_text, limits = _in_words(verification.says), _in_conditions(verification)
        words = f"{step.name} {verification.says}"
        differs = _in_itself(verification, in_text, limits) or (
            _against(alarms[0], words, in_text, limits) if len(alarms) == 1 else ""
        )
        if differs:
            where = (*place, "that") if verification.expressions else (*place, "says")
            yield Hit(where, differs, "write the same number, in the same unit")
        for match in _LASTS.finditer(verification.says):
            key, given = ("within", verification.within) if match["within"] else ("hold_for", verification.held)
            dimension, scale = _measure(match["unit"].casefold())
            wanted = timedelta(seconds=float(match["number"]) * scale)
            if dimension == "time" and isinstance(given, timedelta) and given != wanted:
                message = f"the words say {match[0]!r}, and this {show(given)}"
                yield Hit((*place, key), message, "write the same duration")


def _in_itself(verification: Verification, in_text: list[_Threshold], limits: list[_Threshold]) -> str:
    """What the words say and the condition does not."""
    if len(in_text) != 1 or len(limits) != 1 or any(" not " in f" {text} " for text in verification.expressions):
        return ""
    if not in_text[0].equals(limits[0]):
        return f"the words say {in_text[0].text!r}, and the condition {limits[0].text}"
    opposite = in_text[0].up is not limits[0].up
    return f"the words say {in_text[0].text!r}, and the condition the opposite" if opposite else ""


def _against(alarm: _Threshold, words: str, in_text: list[_Threshold], limits: list[_Threshold]) -> str:
    """What does not fit the trigger's threshold, when both speak of the same thing."""
    named = in_text or limits
    if len(named) != 1 or not _words(alarm.about) & _words(f"{words} {named[0].about}"):
        return ""
    (limit,) = named
    if alarm.dimension and limit.dimension and alarm.dimension != limit.dimension:
        # What only the condition says may well be about something else.
        return f"the trigger says {alarm.text!r}, and this {limit.text!r}, in another unit" if in_text else ""
    if limit.equals(alarm) or not (limit.share or (alarm.dimension and limit.dimension)):
        return ""
    if limit.up is alarm.up:
        return f"the trigger says {alarm.text!r}, and this {limit.text!r}"
    beyond = limit.value > alarm.value if alarm.up else limit.value < alarm.value
    return f"the trigger says {alarm.text!r}, so {limit.text!r} is still an alarm" if beyond else ""


def _words(text: str) -> set[str]:
    words = {word.removesuffix("s") for word in re.findall(r"[a-z]+", text.casefold()) if len(word) >= _SMALL}
    return words - _COMMON
