"""`unfit-hand-over`: a step is handed over to a runbook that does not get the inputs that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from runner.definition.catalog import Library
from runner.definition.finding import Level
from runner.definition.rules.base import Criterion, Hit, Rule
from runner.definition.step import HandOver
from runner.definition.subject import Subject
from runner.definition.taking_over import wrong_inputs
from runner.errors import RunbookError


def _find(subject: Subject) -> Iterator[Hit]:
    library = Library(subject.source.path.parent.parent)
    for placed in subject.procedure():
        to = placed.step.on_failure
        if not isinstance(to, HandOver):
            continue
        try:
            successor = library.usable(to.run).runbook
        except RunbookError:  # which is another finding
            continue
        for wrong in wrong_inputs(subject.runbook, to, successor, {}):
            message = f"{to.run} could not take over: {wrong.name}: {wrong.what}"
            hint = wrong.mend or f"write on_failure: {{run: {to.run}, inputs: {{{wrong.name}: ...}}}}"
            yield Hit((*placed.place, "on_failure"), message, hint)


RULE = Rule(
    id="unfit-hand-over",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="A runbook that takes over must get each input that it needs, or the run stops with nobody to go on.",
    wrong="steps: [{id: look, name: Look, effect: read, command: df /, verify: [{exit: 0}], on_failure: RUN-010}]\n",
    right="steps: [{id: look, name: Look, effect: read, command: df /, verify: [{exit: 0}], on_failure: escalate}]\n",
    find=_find,
)
