"""`destructive-unguarded`: something is destroyed, and nobody is asked before and nothing takes it back."""

from __future__ import annotations

from collections.abc import Iterator

from runner.definition.destruction import destruction
from runner.definition.finding import Level, quoted
from runner.definition.rules.base import Criterion, Hit, Rule
from runner.definition.step import Effect
from runner.definition.subject import Subject

_HINT = "add `approve` or `undo`"


def _find(subject: Subject) -> Iterator[Hit]:
    found = destruction(subject)
    for placed in subject.procedure():
        step = placed.step
        if step.approve or step.undo or step.choose or placed.prerequisite or placed.place[0] == "on_cancel":
            continue
        if step.effect is Effect.DESTRUCTIVE:
            yield Hit((*placed.place, "effect"), "destroys, and nobody is asked before", _HINT)
        elif step.effect is Effect.CHANGE and placed.place in found:
            place, fragment = found[placed.place]
            message = f"{quoted(fragment)} destroys, and nobody is asked before"
            yield Hit(place, message, f"write effect: destructive, and {_HINT}", fragment=fragment)


RULE = Rule(
    id="destructive-unguarded",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
    problem="What destroys data or ends somebody's work needs a person who agrees, or a way back.",
    wrong="""\
steps:
  - id: clean
    name: Delete the old reports
    effect: destructive
    command: rm -rf /var/reports/old
    verify: [{command: test ! -e /var/reports/old, says: The old reports are gone}]
""",
    right="""\
steps:
  - id: clean
    name: Delete the old reports
    effect: destructive
    approve: Delete the old reports?
    command: rm -rf /var/reports/old
    verify: [{command: test ! -e /var/reports/old, says: The old reports are gone}]
""",
    find=_find,
)
