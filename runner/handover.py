"""Handing over: another runbook takes over where a step did not pass, in the same tree of runs."""

from __future__ import annotations

from typing import Any

from runner.control import Control
from runner.definition.step import HandOver
from runner.errors import InvalidInputError
from runner.events import EventType
from runner.execution.reviewed import reviewed
from runner.request import Request


def check(request: Request) -> None:
    """That every runbook which may take over is there and reviewed, before it is needed.

    Raises:
        InvalidInputError: one is not.
    """
    for step in request.source.runbook.procedure:
        if isinstance(step.on_failure, HandOver):
            library = request.library
            if library is None:
                raise InvalidInputError(f"{step.on_failure.run} can not be found: there is no library here")
            reviewed(library, library.usable(step.on_failure.run))


def prepare(control: Control) -> Request | None:
    """What is asked of the runbook that takes over; None when none does.

    Raises:
        InvalidInputError: it can not take over; nothing of it was done.
    """
    for step in control.runbook.procedure:
        if isinstance(step.on_failure, HandOver) and control.ledger.failed(step.id) and not control.cancelled:
            request = _request(control, step.on_failure)
            what = {"to": request.source.runbook.id, "as_run": request.run_id}
            control.journal.note(EventType.RUN_HANDED_OVER, step.id, **what)
            return request
    return None


def _request(control: Control, to: HandOver) -> Request:
    request, library = control.request, control.request.library
    if library is None:
        raise InvalidInputError(f"{to.run} can not be found: there is no library here")
    source = library.source(to.run)
    references = to.references()
    try:
        given = {name: _known(control, references.get(name), value) for name, value in to.inputs.items()}
        inputs = source.runbook.complete(given)
    except ValueError as error:
        raise InvalidInputError(f"{to.run} can not take over: {error}") from None
    return Request(
        run_id=control.around.new_run_id(),
        source=source,
        playbook=reviewed(library, source),
        contacts=library.contacts(source),
        inventories=request.inventories,
        limit=request.limit,
        inputs=inputs,
        mode=request.mode,
        reason=request.reason or f"{request.source.runbook.id} handed over",
        parent=request.run_id,
        tree=request.tree or request.run_id,
        library=library,
    )


def _known(control: Control, reference: str | None, value: Any) -> Any:
    """The value of an input of the runbook that takes over, which may stand for one that is known here."""
    if reference is None:
        return value
    if reference in control.request.inputs:
        return control.request.inputs[reference]
    found = [values[reference] for values in control.journal.captured.values() if reference in values]
    if not found or any(each != found[0] for each in found):
        what = "is not known" if not found else "is not the same on every host"
        raise ValueError(f"{reference} {what}")
    return found[0]
