"""Rules about steps that are not always needed: what they capture is not always there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jinja2 import nodes

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Placed, Rule, quoted
from runner.model.checks.condition import parse, required

EXPRESSIONS = frozenset({"that", "capture", "only_if"})
"""The keys under which an expression stands without braces around it."""

_WRONG = """\
inputs: {wide: {type: bool, default: false, help: Whether all tables are counted}}
steps:
  - {id: count, name: Count the tables, only_if: wide, command: tables --count, effect: read, capture: {tables: stdout},
     verify: [{exit: 0}]}
  - {id: keep, name: Keep the number, command: "keep {{ tables }}", verify: [{command: test -s /srv/kept}]}
"""


@Rule(
    "uncertain-value",
    Level.ERROR,
    Criterion.COMPLETE,
    problem="Where a step is not needed, it captures nothing, and the step that uses it fails in the middle of a run.",
    wrong=_WRONG,
    right=_WRONG.replace("id: keep,", "id: keep, only_if: wide,"),
)
def uncertain_value(context: LintContext) -> Iterator[Hit]:
    """A step uses what another one captures only where that is needed."""
    captured_by: dict[str, Placed] = {}
    for placed in context.procedure():
        for place, name in _used(context, placed):
            earlier = captured_by.get(name)
            if earlier and earlier.step.only_if and not _says(placed.step.only_if, earlier.step.only_if):
                message = f"{quoted(name)} is only there where {earlier.step.id} is needed: {earlier.step.only_if}"
                hint = f"write only_if: {earlier.step.only_if}, or give it a default: {{{{ {name} | default(...) }}}}"
                yield Hit(place, message, hint, fragment=name)
        captured_by |= dict.fromkeys((*placed.step.capture, *placed.step.choose), placed)


def _used(context: LintContext, placed: Placed) -> Iterator[tuple[Place, str]]:
    """The names that must be set for the step, each where it stands."""
    for place, text in context.leaves(placed.place):
        if place[2:3] == ("choose",) and place[-1] == "from":
            yield place, text
        expression = bool(EXPRESSIONS & {each for each in place[-2:] if isinstance(each, str)})
        yield from ((place, name) for name in sorted(required(f"{{{{ {text} }}}}" if expression else text)))


def _says(condition: str | None, other: str) -> bool:
    """Whether `condition` holds only where `other` does, as far as that is written: all parts of it are there."""
    return condition is not None and all(part in _parts(condition) for part in _parts(other))


def _parts(condition: str) -> Sequence[nodes.Expr]:
    """The parts of a condition that `and` joins."""
    expression = parse(condition)
    return [*_joined(expression)] if expression else []


def _joined(expression: nodes.Expr) -> Iterator[nodes.Expr]:
    if isinstance(expression, nodes.And):
        yield from (*_joined(expression.left), *_joined(expression.right))
    else:
        yield expression
