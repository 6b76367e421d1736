"""`unknown-runbook`: a step is handed over to a runbook that is not there, or is not used any more."""

from __future__ import annotations

from collections.abc import Iterator

from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.model.step import HandOver
from runner.model.yaml.finding import Level


def _find(subject: Subject) -> Iterator[Hit]:
    library = Library(subject.source.path.parent.parent)
    for placed in subject.procedure():
        to = placed.step.on_failure
        if isinstance(to, HandOver):
            try:
                library.usable(to.run)
            except InvalidInputError as error:
                message = f"{to.run} cannot take over: {error.message.splitlines()[0]}"
                yield Hit((*placed.place, "on_failure"), message, error.hint)


RULE = Rule(
    id="unknown-runbook",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="If the runbook that is to take over is not there, the run stops after a failure and nobody continues it.",
    wrong="steps: [{id: look, name: Look, effect: read, command: df /, verify: [{exit: 0}], on_failure: RUN-999}]\n",
    right="steps: [{id: look, name: Look, effect: read, command: df /, verify: [{exit: 0}], on_failure: escalate}]\n",
    find=_find,
)
