"""Handing over: another runbook takes over where a step did not pass, in the same tree of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner.control import Control
from runner.definition.catalog import Library, Source
from runner.definition.input import Wrong, missing, read_all
from runner.definition.step import HandOver
from runner.errors import InvalidInputError
from runner.events import EventType
from runner.execution.reviewed import reviewed
from runner.request import Request
from runner.secret import PROMPT, Reference


def check(request: Request) -> None:
    """That every runbook which may take over is there, reviewed, and given inputs that it takes, before it is needed.

    Raises:
        InvalidInputError: one is not; what is only captured on the way is not known yet.
    """
    for step in request.source.runbook.procedure:
        if isinstance(step.on_failure, HandOver):
            library = _library(request, step.on_failure)
            source = library.usable(step.on_failure.run)
            reviewed(library, source)
            if wrong := _wrong(request, step.on_failure, source):
                raise InvalidInputError(
                    f"{source.runbook.id} could not take over from {step.id}: {'; '.join(map(str, wrong))}"
                )


def _library(request: Request, to: HandOver) -> Library:
    if request.library is None:
        raise InvalidInputError(f"{to.run} can not be found: there is no library here")
    return request.library


def _wrong(request: Request, to: HandOver, source: Source) -> list[Wrong]:
    """What is wrong with the inputs that `source` would be given, as far as they are known already."""
    takes, mapped = source.runbook.inputs, to.references()
    crossed = [each for name in mapped if name in takes and (each := _crossed(request, source, name, mapped[name]))]
    given = {name: request.inputs.get(mapped[name]) if name in mapped else value for name, value in to.inputs.items()}
    later = {name for name in given if name in takes and given[name] is None} | {each.name for each in crossed}
    values, wrong = read_all(takes, {name: value for name, value in given.items() if name not in later})
    unsaid = {name for name in source.runbook.secrets - mapped.keys() if values.get(name) == PROMPT}
    known = later | {each.name for each in wrong}
    absent = [each for each in missing(takes, values) if each.name not in known]
    asked = [Wrong(name, "nobody is asked when a runbook takes over") for name in sorted(unsaid)]
    return [*crossed, *wrong, *absent, *asked]


def _crossed(request: Request, source: Source, name: str, reference: str) -> Wrong | None:
    """A secret becomes a secret, and nothing else does."""
    here, there = reference in request.source.runbook.secrets, name in source.runbook.secrets
    if here is there:
        return None
    what = "is a secret, and this is none" if here else "is no secret, and this is one"
    return Wrong(name, f"{reference} {what}", f"make both of type secret in {request.source.runbook.id} and here")


def prepare(control: Control) -> Request | None:
    """What is asked of the runbook that takes over; None when none does.

    Raises:
        InvalidInputError: it can not take over; nothing of it was done.
    """
    for step in control.runbook.procedure:
        hosts = control.ledger.failed_on(step.id)
        if isinstance(step.on_failure, HandOver) and hosts and not control.cancelled:
            request = _request(control, step.on_failure, hosts)
            what = {"to": request.source.runbook.id, "as_run": request.run_id, "hosts": hosts}
            control.journal.note(EventType.RUN_HANDED_OVER, step.id, **what)
            return request
    return None


def _request(control: Control, to: HandOver, hosts: Sequence[str]) -> Request:
    """What is asked of the runbook that takes over: to work on `hosts`, on which the step did not pass, alone."""
    request = control.request
    library = _library(request, to)
    source = library.source(to.run)
    references = to.references()
    try:
        given = {name: _known(control, references.get(name), value) for name, value in to.inputs.items()}
        inputs = source.runbook.complete(given)
        secrets = {name: _secret(control, source, to, name, inputs[name]) for name in sorted(source.runbook.secrets)}
    except ValueError as error:
        raise InvalidInputError(f"{to.run} can not take over: {error}") from None
    return Request(
        run_id=control.around.new_run_id(),
        source=source,
        playbook=reviewed(library, source),
        contacts=library.contacts(source),
        inventories=request.inventories,
        limit=",".join(hosts),
        named=request.named if request.parent else request.limit,
        inputs=inputs,
        secrets=secrets,
        hidden=(*request.hidden, *request.secrets.values()),
        mode=request.mode,
        reason=request.reason or f"{request.source.runbook.id} handed over",
        environment=request.environment,
        break_glass=request.break_glass,
        parent=request.run_id,
        tree=request.tree or request.run_id,
        library=library,
    ).masked()


def _secret(control: Control, source: Source, to: HandOver, name: str, where: str) -> str:
    """The secret `name` of the runbook that takes over: one that is known here, or what is where `where` says."""
    known = to.references().get(name, "")
    if known in control.request.secrets:
        return control.request.secrets[known]
    written_in = control.request.source if name in to.inputs else source
    reference = Reference.parse(where).absolute(written_in.path.parent.absolute())
    try:
        return source.runbook.inputs[name].check_secret(control.around.secrets(str(reference)))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


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
