"""The rule about conversions to a number, which make 0 of what is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from jinja2 import nodes

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule
from runner.model.checks.condition import parse
from runner.model.checks.condition_truth import met_by_zero

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
