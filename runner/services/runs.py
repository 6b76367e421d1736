"""Starts, resumes, undoes and cancels runs, and recovers those whose command died."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.duration import comes_true
from runner.core.errors import InvalidInputError, RunbookError, explain
from runner.escalation.incidents import Incidents
from runner.library.library import Library
from runner.orchestrator import run_loop
from runner.orchestrator.continuation.resumption import called_undos
from runner.orchestrator.continuation.resumption import plan_undo as preview_undo
from runner.orchestrator.continuation.undo_plan import UndoPlan
from runner.orchestrator.end.dead_man import call_for, call_for_refused, call_for_refused_attempt, pager_of
from runner.orchestrator.recovery import end_of_dead, name_abandoned, recorded_end
from runner.orchestrator.request import Call, Mode, Result, RunRequest
from runner.orchestrator.run_environment import Installation, RunEnvironment
from runner.services.dead_runs import call_for_leases
from runner.services.deployment_log import logged
from runner.services.notifications import Flushed
from runner.services.run_list import find_run
from runner.services.run_requests import find_inventories
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

__all__ = [
    "CancelledRun",
    "RecoveredRun",
    "Recovery",
    "call_for_refusal",
    "call_for_refused_resumption",
    "called_undos",
    "cancel_run",
    "preview_undo",
    "recover_abandoned",
    "resume_run",
    "start_run",
    "undo_run",
]

_PATIENCE = 30.0
"""Seconds in which a run that is asked to stop has stopped."""


def start_run(request: RunRequest, env: RunEnvironment) -> Result:
    """Do what `request` asks for; a deployment that it has made is in the deployment log.

    Raises:
        RunbookError: it was refused before it had begun, and nothing of it is recorded.
    """
    return logged(run_loop.run, request, env)


def resume_run(request: RunRequest, env: RunEnvironment) -> Result:
    """Go on with the run of that id; its `answers` say what became of steps that are in doubt.

    Raises:
        RunbookError: as `start_run`.
    """
    return logged(run_loop.resume, request, env)


def undo_run(request: RunRequest, env: RunEnvironment, *, expected: UndoPlan | None = None) -> Result:
    """Undo what the run of that id has done, as long as that is what is `expected`, if anything is.

    Raises:
        RunbookError: as `start_run`.
    """
    return logged(lambda asked, where: run_loop.undo_all(asked, where, expected=expected), request, env)


def call_for_refusal(
    installation: Installation,
    library: Library,
    runbook: str,
    error: RunbookError,
    *,
    mode: Mode = "auto",
    inventories: Sequence[Path] = (),
    limit: str | None = None,
) -> tuple[Call, ...]:
    """Call whom `runbook` names, as a run of it could not begin because of `error`, if it wants that.

    For an unattended run somebody is called whatever it wants: nobody reads why it was refused.

    Nobody is called where the runbook or its contacts cannot be read.
    """
    try:
        source = library.source(runbook)
        contacts = library.contacts(source)
    except (RunbookError, OSError):
        return ()
    paths = list(inventories)
    with suppress(RunbookError):  # they are called as a run that begins calls them: its pages are of the same incident
        paths = find_inventories(inventories, library)
    run = installation.new_run_id()
    request = RunRequest(run, source, b"", contacts, paths, limit, mode=mode, library=library)
    return tuple(call_for_refused(request, installation, error))


def call_for_refused_resumption(installation: Installation, run: RunState, error: RunbookError) -> tuple[Call, ...]:
    """The same for a `run` that was begun before, and cannot be gone on with, or taken back."""
    try:
        return tuple(call_for_refused_attempt(run, installation, error))
    except (RunbookError, OSError):
        return ()


@dataclass(frozen=True)
class CancelledRun:
    """A run that was asked to stop, and whether it has `stopped` within `seconds`."""

    run: str
    stopped: bool
    seconds: float


def cancel_run(
    state: StateDirectory, name: str, by: str, *, at_once: bool = False, patience: float = _PATIENCE
) -> CancelledRun:
    """Ask the command that executes a run to stop, and wait until it has stopped.

    Args:
        state: where the run is recorded.
        name: its id, or `last`.
        by: who asks.
        at_once: whether what is going on is ended at once, too.
        patience: seconds to wait.

    Raises:
        InvalidInputError: nobody executes it.
    """
    run = find_run(state, name, suits=lambda run: run.live, none="no run is in progress")
    if not run.live:
        live = [run.path.name for run in state.running() if run.live]
        hint = f"the runs that are: {', '.join(live)}" if live else "no run is"
        raise InvalidInputError(f"the run {run.path.name} is not in progress", hint=hint)
    for _ in range(2 if at_once else 1):
        run.cancel(by)
        time.sleep(0.3)
    return CancelledRun(run.path.name, comes_true(lambda: not run.live, within=patience), patience)


@dataclass(frozen=True)
class RecoveredRun:
    """A run whose command died, now recorded as abandoned; who was called for it, and why nobody could be.

    One that had passed is finished: those who were called for its incident have heard that it is over.
    """

    run: RunState
    calls: tuple[Call, ...] = ()
    not_called: str = ""


@dataclass(frozen=True)
class Recovery:
    """The runs that were recovered, and what kept others, the `unrecorded`, from being recorded as abandoned.

    `called` is what came of calling for what died or hangs, and for which nobody could be called otherwise.
    """

    runs: tuple[RecoveredRun, ...] = ()
    failure: RunbookError | None = None
    called: Flushed = field(default_factory=Flushed)
    unrecorded: tuple[RecoveredRun, ...] = ()


def recover_abandoned(installation: Installation, called_for: set[str] | None = None) -> Recovery:
    """Record each run whose command died as abandoned, end what it left running, and call whom its runbook names.

    Nothing else does this: a front end calls it before it starts, resumes, undoes or cancels a run, and before it shows
    where runs stand. One that does so again and again keeps `called_for`, the runs that people were called for: on a
    read-only disk that is known nowhere else.
    """
    called_for = set() if called_for is None else called_for
    runs, unsaved = list[RecoveredRun](), list[str]()
    failure, unrecorded = None, tuple[RecoveredRun, ...]()
    try:
        runs.extend(_recovered(run, installation, called_for) for run in name_abandoned(installation, unsaved))
    except (RunbookError, OSError) as error:  # nothing keeps people from being called, and runs from being looked at
        failure = explain(error)
        unrecorded = tuple(_unrecorded(installation, called_for, failure))
    called = call_for_leases(installation, called_for)
    called = replace(called, problems=(*unsaved, *called.problems))
    return Recovery(tuple(runs), failure, called, unrecorded)


def _unrecorded(installation: Installation, called_for: set[str], error: RunbookError) -> Iterator[RecoveredRun]:
    """The dead runs that stay as they are and left no lease: somebody is called once, not by each later command.

    A run whose end is recorded did not die.
    """
    incidents = Incidents(installation.state.path / "incidents")
    leased = {lease.name for lease, _ in installation.state.leases.all()}
    for run in installation.state.running():
        name = run.path.name
        called = name in leased | called_for or incidents.opened_by(name) or run.was_called_for
        if not (run.live or called or recorded_end(installation.state, name)):
            yield _recovered(run.state, installation, called_for, error)


def _told_passed(run: RunState, installation: Installation) -> RecoveredRun:
    """Tell that the incident is over of a run that has passed, and died before it had told everybody."""
    try:
        with pager_of(run, installation) as pager:
            pager.passed()
    except (RunbookError, OSError) as error:
        return RecoveredRun(run, not_called=str(error))
    return RecoveredRun(run, tuple(pager.calls))


def _recovered(
    run: RunState, installation: Installation, called_for: set[str], unrecorded: RunbookError | None = None
) -> RecoveredRun:
    leases, directory = installation.state.leases, installation.state.directory(run.run)
    if run.status == "finished":
        leases.remove(run.run)
        return _told_passed(run, installation)
    before = run.run in called_for or leases.was_called_for(run.run) or directory.was_called_for
    if before:  # before its death could be recorded
        leases.remove(run.run)
        return RecoveredRun(run)
    try:
        end = end_of_dead(run, installation) if unrecorded else None
        calls = tuple(call_for(run, installation, unrecorded=unrecorded, end=end))
    except (RunbookError, OSError) as error:
        return RecoveredRun(run, not_called=str(error))
    if any(call.arrived for call in calls):
        called_for.add(run.run)
        with suppress(OSError):
            directory.note_called()
    if calls:
        with suppress(OSError):
            leases.remove(run.run)
    return RecoveredRun(run, calls)
