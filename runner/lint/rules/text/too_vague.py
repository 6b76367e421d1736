"""`too-vague`: an instruction, or a confirmation, that does not say what is done or seen."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, quoted
from runner.lint.vague_words import empty, hedged


def _find(context: LintContext) -> Iterator[Hit]:
    for placed in context.procedure():
        action = placed.step.action
        if action and action.human:
            place: Place = (*placed.place, action.key)
            text = action.written_text
            if empty(text) or hedged(text):
                yield Hit(place, f"{quoted(text)} does not say what is done", "name the commands, pages and values")
        for number, verification in placed.step.confirmations:
            text = next((kind.written_text for kind in verification.kinds if kind.human), "")
            if empty(text):
                where = _place(context, placed.place, number)
                yield Hit(where, f"{quoted(text)} does not say what is seen", "say what must be seen, and where")


def _place(context: LintContext, place: Place, number: int) -> Place:
    listed = (*place, "verify", number - 1, "confirm")
    return listed if context.written(listed) is not None else (*place, "confirm")


RULE = Rule(
    id="too-vague",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
    problem="'Investigate the issue' leaves the work to whoever reads it; name the commands, the pages and the values.",
    wrong="""\
steps:
  - {id: cause, name: Find what filled the disk, manual: Investigate the issue, verify: [{confirm: A cause is named}]}
""",
    right="""\
steps:
  - id: cause
    name: Find what filled the disk
    manual: List the largest files with `du -ax /var | sort -n | tail -20`, and name the program that writes them.
    verify: [{confirm: A cause is named}]
""",
    find=_find,
    gives_way_to=("assumed-knowledge", "placeholder-command"),
)
