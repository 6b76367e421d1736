"""`useless-exception`: an exception that names no rule, gives no reason, or is not needed."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule, did_you_mean, quoted
from runner.lint.suppressions import exemptions

_FORM = "write `# lint: allow RULE - reason`"


def _find(context: LintContext) -> Iterator[Hit]:
    for each in exemptions(context.document.text):
        if each.rule and each.rule not in context.rules:
            hint = did_you_mean(each.rule, context.rules) or "runbook lint --explain lists the rules"
            yield Hit((), f"no rule is called {quoted(each.rule)}", hint, offset=each.offset)
        elif not each.rule or not each.reason:
            missing = "gives no reason" if each.rule else "names no rule"
            yield Hit((), f"the exception {missing}, so it excepts nothing", _FORM, offset=each.offset)
        elif (each.rule, each.line) not in context.reported:
            yield Hit((), f"{each.rule} finds nothing here", "leave the exception out", offset=each.offset)


RULE = Rule(
    id="useless-exception",
    level=Level.WARNING,
    criterion=Criterion.MAINTAINED,
    problem="An exception without a reason teaches nobody, and one that is not needed hides what comes later.",
    wrong="owner: backend-team # lint: allow unknown-contact - they are called the backend crew here\n",
    right="owner: backend-crew # lint: allow unknown-contact - the team's contact is added with the next release\n",
    find=_find,
)
