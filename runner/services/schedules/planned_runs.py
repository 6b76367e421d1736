"""The run of one occurrence: what is asked for, begun once whoever begins it, and what became of it recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from runner.core.errors import DeniedError, LockedError, RunbookError
from runner.core.events import Outcome
from runner.core.wording import first_line
from runner.library.inventory import environments
from runner.library.library import Library
from runner.model.run_policy import SCHEDULE
from runner.orchestrator.request import Mode, Result, RunRequest
from runner.orchestrator.run_environment import Installation, RunEnvironment
from runner.orchestrator.run_loop import run
from runner.scheduling.decision import Fate
from runner.scheduling.entries import ScheduleEntry
from runner.services.run_inputs import give_inputs
from runner.services.run_requests import prepare_run
from runner.services.schedules.circumstances import Circumstances
from runner.services.schedules.deciding import decided, record_fate, run_id
from runner.store.log.envelope import Actor
from runner.store.occurrences import CLAIMED


def acting(actor: Actor, schedule: str) -> Actor:
    """Who is recorded for a run of `schedule`: the schedule itself, whoever has started the scheduler."""
    return replace(actor, user=f"{SCHEDULE}{schedule}", groups=())


def planned_request(
    library: Library, entry: ScheduleEntry, planned: datetime, environ: Mapping[str, str]
) -> RunRequest:
    """The request for the occurrence of `entry` at the instant `planned`.

    It asks nobody, or those who answer in advance. That for a drill has no inputs: it has its own.

    Raises:
        RunbookError: the runbook, the inventory or an input cannot be used.
    """
    schedule = entry.schedule
    assert schedule  # noqa: S101 - without one nothing is planned
    name = run_id(entry.name, planned)
    paths = [library.root / schedule.inventory]  # whatever lies where the scheduler was started
    mode: Mode = "run" if schedule.approval_lead else "auto"
    request = prepare_run(library, entry.runbook, paths, run_id=name, limit=schedule.limit, mode=mode)
    if schedule.kind == "drill":
        return request
    given = [f"{key}={_text(value)}" for key, value in schedule.inputs.items()]
    request = give_inputs(request, given, here=library.root, environ=environ)
    classes = sorted({each for path in request.inventories for each in environments(path)})
    environment = classes[0] if len(classes) == 1 else ""
    wait = schedule.late_ok.total_seconds()  # for whoever holds its hosts: so late it may begin
    return replace(request, reason=schedule.reason or "", environment=environment, wait=wait)


def _text(value: Any) -> str:
    """An input as somebody would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_text, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def begin(request: RunRequest, env: RunEnvironment, entry: ScheduleEntry, planned: datetime) -> Result:
    """Begin the run of an occurrence that was claimed, and record whether it ran or was refused.

    Raises:
        RunbookError: it was refused before it was recorded as a run; as an occurrence it is recorded.
    """
    try:
        result = run(request, env)
    except RunbookError as error:
        record_fate(env, entry, planned, Fate.REFUSED, first_line(error.message))
        raise
    began = result.outcome is not Outcome.NEVER_REACHED
    why = "" if began else first_line((*result.problems, result.happened)[0])
    record_fate(env, entry, planned, Fate.RAN if began else Fate.REFUSED, why)
    return result


def check_claimed(installation: Installation, library: Library, entry: ScheduleEntry, planned: datetime) -> str:
    """That the occurrence was claimed, nobody has begun its run, and the schedule may be begun as it is now.

    Returns:
        Who has approved the schedule; empty where nobody has.

    Raises:
        LockedError: it was decided, or has begun.
        DeniedError: it cannot be begun any more.
        RunbookError: its runbook cannot be read.
    """
    with decided(installation.state) as occurrences:
        found = occurrences.of(entry.name, planned)
        now = installation.clock().wall
        circumstances = Circumstances(library, installation.state, occurrences, now)
        fault = circumstances.fault(entry, entry.schedule) if entry.schedule else entry.fault
        approver = "" if fault else circumstances.approver(entry)
    if found is None or found.state != CLAIMED:
        what = "is not due" if found is None else f"was decided: {found.state}"
        hint = f"runbook schedule catch-up {entry.name} {planned:%Y-%m-%dT%H:%MZ} begins it all the same"
        raise LockedError(f"{entry.name} at {planned:%Y-%m-%d %H:%M} UTC {what}", hint=hint)
    if installation.state.directory(found.run).exists:
        raise LockedError(f"the run {found.run} of {entry.name} has begun already")
    if fault:
        raise DeniedError(fault)
    return approver
