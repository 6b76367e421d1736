"""`no-channel`: somebody to call who cannot be reached."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule


def _find(context: LintContext) -> Iterator[Hit]:
    for number, name in enumerate(context.runbook.escalation.contacts):
        if name in context.contacts and not context.contacts[name].channels:
            message = f"{name!r} cannot be called: no channel"
            yield Hit(("escalation", "contacts", number), message, "add one to contacts.yml")


RULE = Rule(
    id="no-channel",
    level=Level.ERROR,
    criterion=Criterion.ESCALATABLE,
    problem="A contact without a channel owns things, but no page reaches it: the escalation is a dead end.",
    wrong="escalation: {when: [step_failed], contacts: [backend-team], provide: [timeline]}\n",
    right="escalation: {when: [step_failed], contacts: [on-call], provide: [timeline]}\n",
    find=_find,
)
