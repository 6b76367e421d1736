"""`unknown-contact`: an owner or somebody to call whom contacts.yml does not know."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, did_you_mean


def _find(context: LintContext) -> Iterator[Hit]:
    named: list[tuple[Place, str]] = [(("owner",), context.runbook.owner)]
    named += [(("escalation", "contacts", n), name) for n, name in enumerate(context.runbook.escalation.contacts)]
    everybody = f"contacts.yml knows {', '.join(context.contacts) or 'nobody'}"
    for place, name in named:
        if name not in context.contacts:
            yield Hit(place, f"nobody is called {name!r}", did_you_mean(name, context.contacts) or everybody)


RULE = Rule(
    id="unknown-contact",
    level=Level.ERROR,
    criterion=Criterion.MAINTAINED,
    problem="Whoever owns the runbook, and whoever is called, must be found in contacts.yml, or nobody answers.",
    wrong="owner: the-backend-people\n",
    right="owner: backend-team\n",
    find=_find,
)
