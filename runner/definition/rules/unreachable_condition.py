"""`unreachable-condition`: a condition that can never be met."""

from __future__ import annotations

from collections.abc import Iterator

from runner.definition.condition import always
from runner.definition.finding import Level, Place
from runner.definition.judging import conditions
from runner.definition.model import Unresolved
from runner.definition.rules.base import Criterion, Hit, Rule
from runner.definition.subject import Subject
from runner.duration import show


def _find(subject: Subject) -> Iterator[Hit]:
    yield from _escalation(subject)
    yield from _verifications(subject)
    for placed in subject.procedure():
        if placed.step.retry and placed.step.retry.exit_codes == (0,):
            place = (*placed.place, "retry", "exit_codes")
            yield Hit(
                place, "0 is success, which is never tried again", "name the codes that are worth another attempt"
            )


def _escalation(subject: Subject) -> Iterator[Hit]:
    runbook = subject.runbook
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


def _verifications(subject: Subject) -> Iterator[Hit]:
    for place, _, verification in subject.verifications():
        written = subject.written((*place, "that"))
        for number, text in enumerate(conditions(verification)):
            if always(text, holds=False):
                where = (*place, "that", number) if isinstance(written, list) else (*place, "that")
                yield Hit(where, "never holds, whatever the result is", "say what is good")
                break
        else:
            together = " and ".join(f"({text})" for text in conditions(verification))
            if together and always(together, holds=False):
                yield Hit((*place, "that"), "the conditions never hold together", "say what is good")


RULE = Rule(
    id="unreachable-condition",
    level=Level.WARNING,
    criterion=Criterion.VERIFIABLE,
    problem="A condition that can never be met promises something that never happens.",
    wrong="""\
deadline: 10m
escalation: {when: [{unresolved_for: 15m}, step_failed], contacts: [on-call], provide: [timeline]}
""",
    right="""\
deadline: 30m
escalation: {when: [{unresolved_for: 15m}, step_failed], contacts: [on-call], provide: [timeline]}
""",
    find=_find,
)
