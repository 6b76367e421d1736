"""`inconsistent-threshold`: a number, or its unit, that is not the one of the trigger, or not the one in words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.core.duration import parse, show
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
from runner.lint.thresholds import Threshold, in_condition, in_words, same
from runner.model.verification import Verification

_DURATION = r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|seconds?|secs?|minutes?|mins?|hours?|days?)\b"
_WITHIN = re.compile(rf"(?i)\bwithin\s+{_DURATION}")
_FOR = re.compile(rf"(?i)\bfor\s+(?:at\s+least\s+)?{_DURATION}")
_SMALL = 4  # letters: shorter words connect, they name nothing
_CONNECTING = "above below over under least most more less than percent within after before again this that with"
_COMMON = frozenset(_CONNECTING.split())


def _find(context: LintContext) -> Iterator[Hit]:
    trigger = context.runbook.trigger
    alarms = in_words(f"{trigger.condition or ''}; {trigger.event or ''}")
    for place, step, verification in context.verifications():
        where = (*place, "that") if verification.expressions else (*place, "says")
        found = _in_itself(verification) or (
            _against(alarms[0], f"{step.name} {verification.says}", verification) if len(alarms) == 1 else ""
        )
        if found:
            yield Hit(where, found, "write the same number, in the same unit")
        yield from _durations(place, verification)


def _in_itself(verification: Verification) -> str:
    """What the words say and the condition does not."""
    in_text, limits = in_words(verification.says), _conditions(verification)
    if len(in_text) != 1 or len(limits) != 1 or any(" not " in f" {text} " for text in verification.expressions):
        return ""
    if not same(in_text[0], limits[0]):
        return f"the words say {in_text[0].text!r}, and the condition {limits[0].text}"
    if in_text[0].up is not limits[0].up:
        return f"the words say {in_text[0].text!r}, and the condition the opposite"
    return ""


def _conditions(verification: Verification) -> list[Threshold]:
    return [found for text in verification.expressions for found in in_condition(text)]


def _against(alarm: Threshold, words: str, verification: Verification) -> str:
    """What does not fit the trigger's threshold, when both speak of the same thing."""
    explicit = in_words(verification.says)
    found = explicit or _conditions(verification)
    if len(found) != 1 or not _words(alarm.about) & _words(f"{words} {found[0].about}"):
        return ""
    (limit,) = found
    if alarm.unit and limit.unit and alarm.dimension != limit.dimension:
        # What only the condition says may well be about something else.
        return f"the trigger says {alarm.text!r}, and this {limit.text!r}, in another unit" if explicit else ""
    return _differs(alarm, limit) if (alarm.unit and limit.unit) or limit.scaled else ""


def _differs(alarm: Threshold, limit: Threshold) -> str:
    if same(limit, alarm):
        return ""
    if limit.up is alarm.up:
        return f"the trigger says {alarm.text!r}, and this {limit.text!r}"
    beyond = limit.value > alarm.value if alarm.up else limit.value < alarm.value
    return f"the trigger says {alarm.text!r}, so {limit.text!r} is still an alarm" if beyond else ""


def _words(text: str) -> set[str]:
    words = {word.removesuffix("s") for word in re.findall(r"[a-z]+", text.casefold()) if len(word) >= _SMALL}
    return words - _COMMON


def _durations(place: Place, verification: Verification) -> Iterator[Hit]:
    for pattern, key, given in ((_WITHIN, "within", verification.within), (_FOR, "hold_for", verification.held)):
        match = pattern.search(verification.says)
        if match and given is not None and not isinstance(given, str):
            duration = parse(match[1] + ("ms" if match[2] == "ms" else match[2][0].casefold()))
            if duration != given:
                yield Hit(
                    (*place, key), f"the words say {match[0]!r}, and this {show(given)}", "write the same duration"
                )


_WRONG = """\
trigger: {alert: MON-001, condition: disk usage above 90 %}
steps:
  - id: look
    name: Look at the disk usage
    effect: read
    shell: df --output=pcent /data | tail -1 | tr -d ' %'
    verify: [{says: The disk usage is above 80 %, that: stdout | int > 80}]
"""

RULE = Rule(
    id="inconsistent-threshold",
    level=Level.WARNING,
    criterion=Criterion.VERIFIABLE,
    problem="When the trigger, the words and the condition name different numbers, one of them is wrong.",
    wrong=_WRONG,
    right=_WRONG.replace("80", "90"),
    find=_find,
    gives_way_to=("check-cannot-fail", "unreachable-condition"),
)
