"""`destructive-unguarded`: something is destroyed, and nobody is asked before and nothing undoes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, quoted
from runner.model.step import Effect


def _find(context: LintContext) -> Iterator[Hit]:
    found = destruction(context)
    for placed in context.procedure():
        step = placed.step
        guarded = step.approve or step.choose or step.point_of_no_return or (step.action and step.manual)
        if guarded or step.undo or placed.prerequisite or placed.place[0] == "on_cancel":
            continue
        if step.effect is Effect.DESTRUCTIVE:
            message = "destroys, and as it is called reversible nobody is asked before"
            yield Hit((*placed.place, "effect"), message, "add `approve`, or an `undo`")
        elif step.effect is Effect.CHANGE and placed.place in found:
            place, fragment = found[placed.place]
            message = f"{quoted(fragment)} destroys, and nobody is asked before"
            yield Hit(place, message, "write effect: destructive, so that the run asks first", fragment=fragment)


def destruction(context: LintContext) -> Mapping[Place, tuple[Place, str]]:
    """The place of each step whose action destroys something, with where it does and in which words."""
    found: dict[Place, tuple[Place, str]] = {}
    for work in context.works():
        if not work.looks and "undo" not in work.place and (words := context.destroyed_by(work)):
            found[work.place[:2]] = work.place, words
    return found


_WRONG = """\
steps:
  - id: clean
    name: Delete the old reports
    command: rm -rf /var/reports/old
    verify: [{command: test ! -e /var/reports/old, says: The old reports are gone}]
"""

RULE = Rule(
    id="destructive-unguarded",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
    problem="What destroys data or ends somebody's work needs a person who agrees, or a way back.",
    wrong=_WRONG,
    right=_WRONG.replace(
        "    command: rm", "    effect: destructive\n    approve: Delete the old reports?\n    command: rm"
    ),
    find=_find,
)
