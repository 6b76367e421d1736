"""`unreachable-condition`: a condition that can never be met."""

from __future__ import annotations

from collections.abc import Iterator

from runner.core.duration import show
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
from runner.model.checks.condition_truth import always
from runner.model.runbook import Unresolved
from runner.model.verification import Verification


def _find(context: LintContext) -> Iterator[Hit]:
    yield from _escalation(context)
    yield from _verifications(context)
    for placed in context.procedure():
        if placed.step.retry and placed.step.retry.exit_codes == (0,):
            place = (*placed.place, "retry", "exit_codes")
            yield Hit(
                place, "0 is success, which is never tried again", "name the codes that are worth another attempt"
            )


def _escalation(context: LintContext) -> Iterator[Hit]:
    runbook = context.runbook
    shortest = runbook.deadline
    for number, reason in enumerate(runbook.escalation.when):
        place: Place = ("escalation", "when", number)
        if isinstance(reason, Unresolved):
            if runbook.deadline and reason.unresolved_for >= runbook.deadline:
                message = f"the run has ended by then: its deadline is {show(runbook.deadline)}"
                yield Hit(place, message, "make it shorter than the deadline")
            elif shortest and reason.unresolved_for >= shortest:
                yield Hit(place, "somebody has been called before already", "leave it out")
            shortest = min(shortest or reason.unresolved_for, reason.unresolved_for)
        elif (
            reason == "step_failed"
            and len(runbook.escalation.when) > 1
            and all(step.on_failure == "stop" for step in runbook.steps)
        ):
            message = "every step says on_failure: stop, so no failure calls anybody"
            yield Hit(place, message, "leave `on_failure` out where somebody must be called")


def _verifications(context: LintContext) -> Iterator[Hit]:
    for place, _, verification in context.verifications():
        expressions, written = verification.expressions, context.written((*place, "that"))
        places = [
            (*place, "that", number) if isinstance(written, list) else (*place, "that")
            for number in range(len(expressions))
        ]
        alone = [where for text, where in zip(expressions, places, strict=True) if always(text, holds=False)]
        for where in alone:
            yield Hit(where, "never holds, whatever the result is", "say what is good")
        if (
            expressions
            and not alone
            and always(" and ".join([*map("({})".format, expressions), *_exit(verification)]), holds=False)
        ):
            yield Hit(places[-1], "never holds together with the rest of this verification", "say what is good")


def _exit(verification: Verification) -> list[str]:
    """What `exit` says, as a condition."""
    return [f"rc in {list(verification.good_exits)}"] if verification.good_exits else []


_WRONG = """\
deadline: 10m
escalation: {when: [{unresolved_for: 15m}, step_failed], contacts: [on-call], provide: [timeline]}
"""

RULE = Rule(
    id="unreachable-condition",
    level=Level.WARNING,
    criterion=Criterion.VERIFIABLE,
    problem="A condition that can never be met promises something that never happens.",
    wrong=_WRONG,
    right=_WRONG.replace("10m", "30m"),
    find=_find,
)
