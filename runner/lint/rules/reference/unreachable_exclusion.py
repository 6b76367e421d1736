"""`unreachable-exclusion`: an exclusion that never applies, or leads back to this runbook."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
from runner.model.runbook import Exclusion


def _find(context: LintContext) -> Iterator[Hit]:
    handled = {_plain(text) for text in context.runbook.scope.handles}
    earlier: set[str] = set()
    for number, item in enumerate(context.runbook.scope.excludes):
        place: Place = ("scope", "excludes", number)
        what = _plain(item.what if isinstance(item, Exclusion) else item)
        if what in handled:
            yield Hit(place, "is excluded here and handled above, so it is never excluded", "keep one of the two")
        elif what in earlier:
            yield Hit(place, "is excluded above already", "leave it out")
        elif isinstance(item, Exclusion) and item.see == context.runbook.id:
            message = f"leads back to {item.see}, which is this runbook"
            yield Hit((*place, "see"), message, "name the runbook that does handle it")
        earlier.add(what)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


RULE = Rule(
    id="unreachable-exclusion",
    level=Level.WARNING,
    criterion=Criterion.SCOPED,
    problem="An exclusion that contradicts what is handled, or leads back here, leaves the reader without a way on.",
    wrong="scope: {handles: [Disk is full], excludes: [{what: Disk is broken, see: RUN-001}]}\n",
    right="scope: {handles: [Disk is full], excludes: [{what: Disk is broken, see: RUN-007}]}\n",
    find=_find,
)
