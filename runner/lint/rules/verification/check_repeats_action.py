"""`check-repeats-action`: a verification that does the step once more instead of looking at what it brought about."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule
from runner.model.checks.exit_code_use import judges_output
from runner.model.step import Effect


def _find(context: LintContext) -> Iterator[Hit]:
    for work in context.works():
        action = work.step.undo.action if work.step.undo and "undo" in work.place else work.step.action
        if not work.looks or action is None or action.canonical != work.kind.canonical:
            continue
        tells = judges_output(work.judged_by) or any(each.expressions for each in work.judged_by)
        if work.step.effect is not Effect.READ or not tells:
            message = "does the step's own action again, which proves nothing about what it did"
            yield Hit(work.place, message, "look at what the step was to bring about")


_WRONG = """\
steps:
  - id: restart
    name: Restart the web server
    command: systemctl restart nginx
    verify:
      - {says: The web server runs, command: systemctl restart nginx}
"""

RULE = Rule(
    id="check-repeats-action",
    level=Level.ERROR,
    criterion=Criterion.VERIFIABLE,
    problem="A check that repeats its step's command is green as often as the command is, and does it twice.",
    wrong=_WRONG,
    right=_WRONG.replace("command: systemctl restart nginx}", "command: systemctl is-active nginx}"),
    find=_find,
)
