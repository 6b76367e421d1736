"""`no-escalation`: a step may fail, and nobody is called."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule
from runner.model.runbook import Declared


def _find(context: LintContext) -> Iterator[Hit]:
    policy = context.runbook.escalation.when
    place, hint = ("escalation", "when"), "add step_failed, or {unresolved_for: 15m}"
    if all(isinstance(reason, Declared) for reason in policy):
        yield Hit(place, "nobody is called when a step fails, unless the operator says why", hint)
    elif set(policy) == {"step_failed"} and all(step.on_failure == "stop" for step in context.runbook.steps):
        yield Hit(place, "every step says on_failure: stop, so no failure calls anybody", hint)


RULE = Rule(
    id="no-escalation",
    level=Level.WARNING,
    criterion=Criterion.ESCALATABLE,
    problem="Where a failed step calls nobody, whoever is on call is alone with it: a dead end.",
    wrong="escalation: {when: [{declared: Data may be lost}], contacts: [on-call], provide: [timeline]}\n",
    right="escalation: {when: [{declared: Data may be lost}, step_failed], contacts: [on-call], provide: [timeline]}\n",
    find=_find,
)
