"""Going on with a run: what is done is looked at again; what nobody knows of is asked about, never just repeated."""

from collections import deque
from collections.abc import Iterable, Iterator

from runner.core.errors import InvalidInputError
from runner.core.events import DONE, Event, EventType, Outcome
from runner.core.step_tags import item_of, undo_id
from runner.executor.host_ledger import Ledger
from runner.executor.ledger_entry import ONLY_IF, LedgerEntry, item_parts, parts
from runner.model.checks.condition import names
from runner.model.runbook import Runbook
from runner.model.step import Effect, Step
from runner.orchestrator.continuation.doubts import (
    answered_before,
    check_answers,
    settle_by_looks,
    settle_doubts,
    units,
)
from runner.orchestrator.continuation.undo_plan import UndoPlan, undo_plan
from runner.orchestrator.gate.approval_gate import ApprovalGate
from runner.orchestrator.kept_values import remembered
from runner.orchestrator.recheck import open_again, parts_again, recheck, repeatable_parts
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_plan import RunPlan, target_of
from runner.orchestrator.stepper import Stepper
from runner.store.log.audit_log import NAME
from runner.store.log.envelope import Record
from runner.store.log.log_reader import read
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

_NOT_DONE = frozenset({Outcome.FAILED, Outcome.SKIPPED})
"""What an action may have come to for sure; an unreachable host may have done it before it was lost."""

_EVENTS = frozenset(EventType)


def restore(request: RunRequest, state: RunState, recorder: Recorder, records: Iterable[Record]) -> RunPlan:
    """The plan of an interrupted run; `recorder` is brought to where `records` and the run's state have left it.

    Raises:
        InvalidInputError: the run died before its hosts were known, so there is nothing to resume.
    """
    if not state.target:
        raise InvalidInputError(f"the run {state.run} has not started", hint=f"runbook run {state.runbook}")
    plan = RunPlan(request, target_of(state))
    recorder.captured.update({host: dict(values) for host, values in state.captured.items()})
    plan.expect_in(recorder.ledger)
    recorder.records += records
    for event in _replay(recorder.ledger, plan.runbook, recorder.records):
        recorder.captured |= remembered(event, recorder.captured)
    return plan


def plan_undo(request: RunRequest, directory: StateDirectory) -> UndoPlan:
    """What an undo of the run of that id would do now; nothing is done, and nothing is recorded."""
    state = directory.run(request.run_id).state
    records = read(directory.audit / NAME, run=request.run_id) if state.target else ()
    return planned_undo(request.source.runbook, state, records)


def called_undos(
    request: RunRequest, directory: StateDirectory, run: str, step: str
) -> Iterator[tuple[Runbook, str, UndoPlan]]:
    """What an undo would do of the runs that were called for `step` of `run`, newest first: runbook, id and plan."""
    records = [each for each in read(directory.audit / NAME, run=run) if each.type == EventType.RUN_CALLED]
    called = dict.fromkeys(str(each.data["as_run"]) for each in reversed(records) if each.step == step)
    for inner in called:
        found = directory.directory(inner)
        runbook = request.find(found.state.runbook) if found.exists and found.state.target else None
        if runbook:
            yield runbook, inner, planned_undo(runbook, found.state, read(directory.audit / NAME, run=inner))


def planned_undo(runbook: Runbook, state: RunState, records: Iterable[Record]) -> UndoPlan:
    """What an undo of the run would do by its `records`, which leaves the run alone; nothing where it only looked."""
    ledger, target = Ledger(state.run), target_of(state)
    for step in runbook.procedure:
        ledger.expect_step(step, target.of(runbook, step))
    deque(_replay(ledger, runbook, records), maxlen=0)
    return UndoPlan((), ()) if state.looks else undo_plan(runbook, ledger)


def _replay(ledger: Ledger, runbook: Runbook, records: Iterable[Record]) -> Iterator[Event]:
    """Let `ledger` take note of what `records` tell; each event that the log has as it was."""
    undone = {undo_id(step.id): (step, step.undo) for step in runbook.steps if step.undo or step.runs}
    for record in records:
        if record.type not in _EVENTS or (record.truncated and "part" not in record.data):
            continue  # of a later version, or too long for the log: what it proved is not known here
        event = Event(EventType(record.type), record.run, record.step, record.host, record.data)
        item = item_of(record.step or "")
        undo = undone.get(item[0] if item else record.step or "")
        settled = event.type is EventType.STEP_SETTLED and (event.step, event.host) not in ledger.entries
        if undo and record.host and (settled or event.type is EventType.STEP_INTENDED):
            ledger.expect_undo(*undo, [record.host])
        ledger.apply(event)
        if not record.truncated:
            yield event


def reopen(stepper: Stepper, gate: ApprovalGate) -> None:
    """Settle for each step on each host whether it is still to be done, by the answers of the request where in doubt.

    Raises:
        InvalidInputError: what one of them names is no step, or is not done on that host.
        DoubtError: a step is in doubt, and nobody says what is to become of it.
    """
    procedure = stepper.plan.runbook.procedure
    check_answers(stepper, {step.id: stepper.ledger.hosts_of(step.id) for step in procedure}, "step")
    for step in procedure:
        _reopen_other_items(stepper, step)
        _reopen_changed(stepper, step)
        _reopen_undone(stepper, step)
        _reopen_kept(stepper, step)
    _recheck(stepper)
    for step in procedure:
        settle_by_looks(stepper, step)
        settle_doubts(stepper, gate, step)
    _reopen_stale(stepper)
    _reopen_decisions(stepper)


def _reopen_changed(stepper: Stepper, step: Step) -> None:
    """What was proven of another text than the present one is to be done, or at least verified, again."""
    now = stepper.ledger.digests.get(step.id, "")
    for name, host, entry in units(stepper, step):
        wanted = item_parts(step) if item_of(name) else parts(step)
        if entry.digest in {"", now} or stepper.ledger.is_undone(name, host):
            continue
        if not entry.intended and entry.missing >= wanted:
            continue  # it is to be done anyway
        if step.repeatable or not entry.intended or _failed_for_sure(entry):
            open_again(stepper, name, [host], wanted, redo=True)
            continue
        still_proven = {"action"} if entry.digest.partition(":")[0] == now.partition(":")[0] else set()
        data = {"parts": sorted(wanted - still_proven), "hosts": [host], "redo": False, "digest": now}
        stepper.recorder.note(EventType.STEP_REOPENED, name, **data)


def _reopen_other_items(stepper: Stepper, step: Step) -> None:
    """Where no item was begun, and the step is another one by now, its items are found anew."""
    now = stepper.ledger.digests.get(step.id, "")
    for host in stepper.ledger.hosts_of(step.id) if step.each else ():
        items = stepper.ledger.items(step.id, host).values()
        if stepper.ledger.entries[step.id, host].digest not in {"", now} and not any(item.begun for item in items):
            open_again(stepper, step.id, [host], parts(step), redo=True)


def _reopen_undone(stepper: Stepper, step: Step) -> None:
    """Whatever is for sure not done is to be done: it never began, failed, was taken back, or may be repeated."""
    again, waiting = [], []
    for unit in units(stepper, step):
        name, host, entry = unit
        if stepper.ledger.is_undone(name, host):
            again.append(unit)
        elif entry.outcome in DONE:
            continue
        elif entry.intended and (step.repeatable or _failed_for_sure(entry) or _is_run_again(step, entry)):
            again.append(unit)
        elif not entry.intended and entry.outcome is not None:
            waiting.append(unit)
    for name, host, _ in again:
        open_again(stepper, name, [host], parts_again(stepper, step, name, host), redo=True)
    for name, host, entry in waiting:  # what a person has said already counts
        open_again(stepper, name, [host], entry.missing, redo=False)


def _reopen_kept(stepper: Stepper, step: Step) -> None:
    """Where every item has passed, and what belongs to all of them has not, only that is to be done."""
    for host in stepper.ledger.hosts_of(step.id) if step.each else ():
        entry, items = stepper.ledger.entries[step.id, host], stepper.ledger.items(step.id, host)
        if items and entry.outcome not in {None, *DONE} and all(item.outcome in DONE for item in items.values()):
            open_again(stepper, step.id, [host], entry.missing, redo=False)


def _is_run_again(step: Step, entry: LedgerEntry) -> bool:
    """Whether what does the step elsewhere, a run of another runbook or a pipeline, is found and gone on with."""
    return step.resumable and entry.acted is not Outcome.PASSED


def _reopen_stale(stepper: Stepper) -> None:
    """What only looked has seen its host as it was before a change that is now to be made (again): it looks again.

    A host on which that change is not made at all may look at one on which it is.
    """
    changes: list[tuple[set[str], set[str]]] = []
    for step in stepper.plan.runbook.procedure:
        if step.effect is Effect.READ:
            for name, host, entry in units(stepper, step):
                if entry.outcome is Outcome.PASSED and any(host in due or host not in of for due, of in changes):
                    open_again(stepper, name, [host], parts_again(stepper, step, name, host), redo=True)
        elif due := set(stepper.ledger.waits_for(step.id, {"action"})):
            changes.append((due, set(stepper.ledger.hosts_of(step.id))))


def _reopen_decisions(stepper: Stepper) -> None:
    """What was decided by values that are captured again is decided again, unless the step was begun by now."""
    again: dict[str, set[str]] = {}
    for step in stepper.plan.runbook.procedure:
        for host in stepper.ledger.hosts_of(step.id):
            entry, values = stepper.ledger.entries[step.id, host], again.setdefault(host, set())
            if step.only_if and not entry.intended and ONLY_IF not in entry.missing and names(step.only_if) & values:
                open_again(stepper, step.id, [host], parts(step), redo=True)
            if stepper.ledger.entries[step.id, host].missing & {"action", ONLY_IF}:
                values |= {*step.capture, *step.choose}


def _failed_for_sure(entry: LedgerEntry) -> bool:
    """Whether the action itself was not good: it said so, or a verification of its result did."""
    if entry.outcome is not Outcome.FAILED or entry.acted is not Outcome.PASSED:
        return entry.acted in _NOT_DONE
    return not entry.looked


def _recheck(stepper: Stepper) -> None:
    """Make the verifications again that look for themselves, of every change that was made or may have been."""
    checked: dict[str, list[str]] = {}
    known = answered_before(stepper)
    for step in stepper.plan.runbook.procedure:
        again = repeatable_parts(step)
        for name, host, entry in units(stepper, step):
            passed = entry.outcome is Outcome.PASSED
            if again and (passed or entry.intended) and not (passed and (name, host) in known):
                open_again(stepper, name, [host], again if passed else again | entry.missing, redo=False)
                checked.setdefault(step.id, []).append(host)
    recheck(stepper, {step: list(dict.fromkeys(hosts)) for step, hosts in checked.items()})
