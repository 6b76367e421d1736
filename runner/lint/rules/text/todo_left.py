"""`todo-left`: a note to oneself that was never done."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule

_NOTES = re.compile(
    r"\b(?:TODO|FIXME|XXX|TBD|TBA|TKTK)\b"
    r"|\b(?i:to be (?:done|written|defined|decided|determined|completed|filled in)|fill (?:this|me|it) in|coming soon"
    r"|lorem ipsum|placeholder text|not yet written|work in progress)\b"
)


def _find(context: LintContext) -> Iterator[Hit]:
    offset = 0
    for line in context.document.text.splitlines(keepends=True):
        if match := _NOTES.search(line):
            message, hint = f"{match[0]!r} is left in the runbook", "do it, or leave it out"
            yield Hit((), message, hint, offset=offset + match.start())
        offset += len(line)


RULE = Rule(
    id="todo-left",
    level=Level.WARNING,
    criterion=Criterion.COMPLETE,
    problem="What is still to be written is missing at the moment when it is needed.",
    wrong="scope: {handles: [Too little space on the data disk, TODO]}\n",
    right="scope: {handles: [Too little space on the data disk, Too few inodes]}\n",
    find=_find,
    gives_way_to=("placeholder-command", "undefined-placeholder"),
)
