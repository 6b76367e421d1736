"""`unknown-runbook` and `unfit-hand-over`: a step is handed over to a runbook that cannot take over."""

from __future__ import annotations

from collections.abc import Iterator

from runner.core.errors import InvalidInputError, RunbookError
from runner.library.library import Library
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule
from runner.model.handover_inputs import wrong_inputs
from runner.model.step import HandOver


def _hand_overs(context: LintContext) -> Iterator[tuple[Place, HandOver]]:
    for placed in context.procedure():
        if isinstance(placed.step.on_failure, HandOver):
            yield (*placed.place, "on_failure"), placed.step.on_failure


def _unknown(context: LintContext) -> Iterator[Hit]:
    library = Library(context.source.path.parent.parent)
    for place, to in _hand_overs(context):
        try:
            library.usable(to.run)
        except InvalidInputError as error:
            message = f"{to.run} cannot take over: {error.message.splitlines()[0]}"
            yield Hit(place, message, error.hint)


def _unfit(context: LintContext) -> Iterator[Hit]:
    library = Library(context.source.path.parent.parent)
    for place, to in _hand_overs(context):
        try:
            successor = library.usable(to.run).runbook
        except RunbookError:  # which is another finding
            continue
        for wrong in wrong_inputs(context.runbook, to, successor, {}):
            message = f"{to.run} could not take over: {wrong.name}: {wrong.what}"
            hint = wrong.mend or f"write on_failure: {{run: {to.run}, inputs: {{{wrong.name}: ...}}}}"
            yield Hit(place, message, hint)


def _example(on_failure: str) -> str:
    step = "id: look, name: Look, effect: read, command: df /, verify: [{exit: 0}]"
    return f"steps: [{{{step}, on_failure: {on_failure}}}]\n"


UNKNOWN = Rule(
    id="unknown-runbook",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="If the runbook that is to take over is not there, the run stops after a failure and nobody continues it.",
    wrong=_example("RUN-999"),
    right=_example("escalate"),
    find=_unknown,
)
UNFIT = Rule(
    id="unfit-hand-over",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="A runbook that takes over must get each input that it needs, or the run stops and nobody continues it.",
    wrong=_example("RUN-010"),
    right=_example("escalate"),
    find=_unfit,
)
