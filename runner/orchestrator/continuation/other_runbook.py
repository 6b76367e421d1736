"""Another runbook that works for a step: the request for it, and what it would do, as far as that is known before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runner.compiler.committed_playbook import reviewed, reviewed_beside
from runner.core.errors import InvalidInputError
from runner.executor.job import Message
from runner.executor.target import Target
from runner.kinds.values import OtherRunbook
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.step import Step
from runner.orchestrator.gate.gate_facts import judged, told
from runner.orchestrator.request import RunRequest

Captured = Mapping[str, Mapping[str, Any]]
"""What steps have kept of each host."""

Resolve = Callable[[RunRequest, Sequence[str]], Message]
"""What the inventory says, and what these steps of a request would do; nothing is done."""


def library_of(request: RunRequest, other: OtherRunbook) -> Library:
    """Where the `other` runbook is found.

    Raises:
        InvalidInputError: nowhere.
    """
    if request.library is None:
        raise InvalidInputError(f"{other.run} cannot be found: there is no library here")
    return request.library


def known_value(request: RunRequest, captured: Captured, reference: str | None, value: Any) -> Any:
    """The `value` of an input of another runbook, which may be a `reference` to one that is known here.

    Raises:
        ValueError: it is not known, or not the same on every host.
    """
    if reference is None:
        return value
    if reference in request.inputs:
        return request.inputs[reference]
    values_found = [values[reference] for values in captured.values() if reference in values]
    if not values_found or any(each != values_found[0] for each in values_found):
        what = "is not known" if not values_found else "is not the same on every host"
        raise ValueError(f"{reference} {what}")
    return values_found[0]


def request_to(
    request: RunRequest,
    source: Source,
    hosts: Sequence[str],
    inputs: Mapping[str, Any],
    *,
    run: str,
    secrets: Mapping[str, str],
) -> RunRequest:
    """What is asked of the runbook in `source`, which works for a step of `request` on `hosts` in the run of the id.

    Raises:
        InvalidInputError: its playbook is not there, or stale.
    """
    library = request.library
    assert library  # noqa: S101 - the source is out of it
    return RunRequest(
        run_id=run,
        source=source,
        playbook=reviewed(library, source),
        beside=reviewed_beside(library, source),
        contacts=request.contacts if request.drill else library.contacts(source),  # those of a drill only record
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
        drill=request.drill,
        silent=request.silent,
        library=library,
    )


def previews(
    request: RunRequest, step: Step, hosts: Sequence[str], captured: Captured, resolve: Resolve
) -> dict[str, dict[str, Any]]:
    """What the runbook that does `step` would do on each of `hosts`, step by step, also in those that it runs itself.

    A value that only its own steps will find stays a template. What decides what is done there is told all the same.
    Where it cannot be run, that is what is `missing`.

    Raises:
        ExecutionError: the inventory cannot be read.
    """
    try:
        return _previews(request, step, hosts, captured, resolve)
    except InvalidInputError as error:
        return {
            host: {"module": f"run {step.runs and step.runs.run}", "args": {}, "missing": [error.message]}
            for host in hosts
        }


def _previews(
    request: RunRequest, step: Step, hosts: Sequence[str], captured: Captured, resolve: Resolve
) -> dict[str, dict[str, Any]]:
    assert step.runs  # noqa: S101 - whoever asks has seen that
    source = library_of(request, step.runs).source(step.runs.run)
    inputs = _foreseen(request, source, step.runs, captured)
    inner = request_to(request, source, hosts, inputs, run=request.run_id, secrets={})
    procedure = source.runbook.procedure
    message = resolve(inner, [each.id for each in procedure if each.acts or each.announces])
    commands, target = message.get("commands") or {}, Target.from_message(message)
    whole: dict[str, dict[str, Any]] = {host: _of_step(step, {"args": inputs}) | {"steps": {}} for host in hosts}
    for each in procedure:
        concerned = [host for host in target.of(source.runbook, each) if host in whole]
        does = previews(inner, each, concerned, {}, resolve) if each.runs and concerned else commands.get(each.id, {})
        for host in concerned:
            whole[host]["steps"][each.id] = _of_step(each, told(each, does.get(host), inner.contacts) or {})
    return {host: _with_connection(does) for host, does in whole.items()}


def _with_connection(does: dict[str, Any]) -> dict[str, Any]:
    """The same, with how the host is reached where all steps say the same of it, as of a step that does it itself."""
    steps = {name: dict(step) for name, step in does["steps"].items()}
    ways = [step.pop("connection_settings") for step in steps.values() if "connection_settings" in step]
    one = bool(ways) and all(way == ways[0] for way in ways)
    return {**does, "steps": steps, "connection_settings": ways[0]} if one else does


def _of_step(step: Step, does: Mapping[str, Any]) -> dict[str, Any]:
    """What a step does, with how it is verified; what only its own run finds out is not missing before that."""
    done = step.action.describe() if step.action else "only looks"
    runs = f"run {step.runs.run}" if step.runs else done
    around = {"only_if": step.only_if} if step.only_if else {}
    checks = [judged(verification) for verification in step.verify]
    rest = {name: value for name, value in does.items() if name != "missing"}
    return {"module": runs, "args": {}, **rest, **around, "name": step.name, "checks": checks}


def _foreseen(request: RunRequest, source: Source, to: OtherRunbook, captured: Captured) -> dict[str, Any]:
    """The inputs by which the runbook in `source` is run; one that a later step finds is the template for it."""
    references, known, later = to.references(), dict[str, Any](), dict[str, Any]()
    for name, value in to.inputs.items():
        try:
            known[name] = known_value(request, captured, references.get(name), value)
        except ValueError:
            later[name] = value
    try:
        return source.runbook.complete(known)
    except ValueError as error:
        if not later:
            raise InvalidInputError(f"{to.run} cannot be run: {error}") from None
    declared = source.runbook.inputs
    defaults = {name: item.default for name, item in declared.items() if item.default is not None}
    texts = {name: value for name, value in later.items() if declared[name].type != "duration"}
    return {**defaults, **known, **texts}
