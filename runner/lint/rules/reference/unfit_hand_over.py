"""`unfit-hand-over`: a step is handed over to a runbook that does not get the inputs that it needs."""

from __future__ import annotations

from collections.abc import Iterator

from runner.core.errors import RunbookError
from runner.library.library import Library
from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.model.handover_inputs import wrong_inputs
from runner.model.step import HandOver
from runner.model.yaml.finding import Level


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
    problem="A runbook that takes over must get each input that it needs, or the run stops and nobody continues it.",
    wrong="steps: [{id: look, name: Look, effect: read, command: df /, verify: [{exit: 0}], on_failure: RUN-010}]\n",
    right="steps: [{id: look, name: Look, effect: read, command: df /, verify: [{exit: 0}], on_failure: escalate}]\n",
    find=_find,
)
