"""`read-that-writes`: something that is called a look, and changes the host."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule, quoted
from runner.model.step import Effect


def _find(context: LintContext) -> Iterator[Hit]:
    for work in context.works():
        words = context.changed_by(work)
        if words and (work.looks or (work.step.effect is Effect.READ and "undo" not in work.place)):
            what = (
                "a verification" if work.looks else "a prerequisite" if work.place[0] == "prerequisites" else "a read"
            )
            hint = "let a step do it" if work.looks or work.place[0] == "prerequisites" else "write effect: change"
            yield Hit(work.place, f"{quoted(words)} changes something, and {what} only looks", hint, fragment=words)


_WRONG = """\
steps:
  - id: clean
    name: Look for old reports
    effect: read
    shell: rm /var/reports/old.txt
    verify: [{exit: 0}]
"""

RULE = Rule(
    id="read-that-writes",
    level=Level.ERROR,
    criterion=Criterion.VERIFIABLE,
    problem="Reads, prerequisites and verifications are done in a dry run and again later, so they must only look.",
    wrong=_WRONG,
    right=_WRONG.replace("rm ", "ls "),
    find=_find,
    gives_way_to=("check-repeats-action",),
)
