"""Rules about what a value is: a number made of what is none, and a condition that is neither true nor false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from jinja2 import nodes

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
from runner.model.checks.condition import parse
from runner.model.checks.condition_truth import met_by_zero
from runner.model.checks.condition_type import OF_RESULTS, neither, no_conditions, type_of

_GREEN = """\
steps:
  - id: drain
    name: Drain the queue
    command: drain-queue
    verify:
      - {says: Few messages are left, command: queue-length, that: stdout | int < 10}
"""


@Rule(
    "zero-for-no-number",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="`| int` makes 0 of an empty text, of an error and of null, and a condition that 0 meets is green then.",
    wrong=_GREEN,
    right=_GREEN.replace("| int", "| from_json"),
)
def zero_for_no_number(context: LintContext) -> Iterator[Hit]:
    """A condition over a number that was made of anything, and nothing else in the verification that looks at that."""
    for place, _, verification in context.verifications():
        if any(kind.judges_text and not kind.probes and not kind.expressions for kind in verification.kinds):
            continue
        written, read = context.written((*place, "that")), _names(verification.expressions)
        for number, text in enumerate(verification.expressions):
            where = (*place, "that", number) if isinstance(written, list) else (*place, "that")
            for each in met_by_zero(text):
                if all(read[name.name] == 1 for name in each.find_all(nodes.Name)):
                    message = f"`| {each.name}` makes 0 of what is no number, and 0 is good here"
                    hint = f"leave `| {each.name}` out, or of a text write `| from_json`, which fails where it is none"
                    yield Hit(where, message, hint, fragment=f"| {each.name}")


def _names(expressions: tuple[str, ...]) -> Counter[str]:
    """How often each name stands in the conditions."""
    trees = [tree for text in expressions if (tree := parse(text))]
    names = [node.name for tree in trees for node in tree.find_all(nodes.Name)]
    return Counter([*names, *(tree.name for tree in trees if isinstance(tree, nodes.Name))])


_TYPES: Mapping[str, type] = {"int": int, "number": int, "bool": bool}
"""The type of an input's value by that of the input; any other is a text."""
_NEITHER = """\
steps:
  - id: drain
    name: Drain the queue
    command: drain-queue
    verify:
      - {says: The queue is empty, command: queue-state, that: stdout}
"""


@Rule(
    "no-condition",
    Level.ERROR,
    Criterion.VERIFIABLE,
    problem="A text, a number or a list is neither true nor false: a check that is nothing else never passes.",
    wrong=_NEITHER,
    right=_NEITHER.replace("that: stdout", "that: stdout == 'empty'"),
)
def no_condition(context: LintContext) -> Iterator[Hit]:
    """A condition, or a part of one, that is compared with nothing and is neither true nor false."""
    known = {name: _TYPES.get(item.type, str) for name, item in context.runbook.inputs.items()}
    for placed in context.procedure():
        # What the diagnosis itself has written is true or false.
        if placed.step.only_if and not placed.step.branch:
            yield from _neither((*placed.place, "only_if"), placed.step.only_if, known)
        given = {name: type_of(text, OF_RESULTS) for name, text in placed.step.capture.items()}
        known |= {name: found for name, found in given.items() if found and not placed.step.each}
    for place, step, verification in context.verifications():
        done = step.undo.action if step.undo and "undo" in place else step.action
        gives_status = any(kind.has_status for kind in (*verification.kinds, done) if kind)
        types = {**known, **{name: found for name, found in OF_RESULTS.items() if name != "status" or gives_status}}
        written = context.written((*place, "that"))
        for number, text in enumerate(verification.expressions):
            where = (*place, "that", number) if isinstance(written, list) else (*place, "that")
            yield from _neither(where, text, types)


def _neither(place: Place, condition: str, types: Mapping[str, type]) -> Iterator[Hit]:
    for part, found in no_conditions(condition, types):
        yield Hit(place, *neither(part, found))
