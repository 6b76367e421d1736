"""Going on with a run: what is done is looked at again; what nobody knows of is asked about, never just repeated."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

from runner.compiler.segments import Gate
from runner.core.errors import DeniedError, InvalidInputError
from runner.core.events import DONE, Event, EventType, Outcome
from runner.core.step_tags import undo_id
from runner.executor.host_ledger import ONLY_IF, Ledger, LedgerEntry, machine_parts, parts, undo_parts
from runner.model.checks.condition import names
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.orchestrator.continuation.undo_plan import UndoPlan, undo_plan
from runner.orchestrator.gate.approval_gate import ApprovalGate
from runner.orchestrator.recheck import open_again, parts_again, recheck, repeatable_parts
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_plan import RunPlan, target_of
from runner.orchestrator.stepper import Stepper
from runner.store.log.envelope import Record
from runner.store.run_state import RunDirectory, RunState

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
    _replay(recorder.ledger, plan.runbook, recorder.records)
    return plan


def planned_undo(runbook: Runbook, state: RunState, records: Iterable[Record]) -> UndoPlan:
    """What an undo of the run would do by its `records`, which leaves the run alone; nothing where it only looked."""
    ledger, target = Ledger(state.run), target_of(state)
    for step in runbook.procedure:
        ledger.expect(step.id, target.of(runbook, step), parts(step))
    _replay(ledger, runbook, records)
    return UndoPlan((), ()) if state.looks else undo_plan(runbook, ledger)


def _replay(ledger: Ledger, runbook: Runbook, records: Iterable[Record]) -> None:
    """Let `ledger` take note of what `records` tell."""
    undone = {undo_id(step.id): step.undo for step in runbook.steps if step.undo}
    for record in records:
        if record.type not in _EVENTS or (record.truncated and "part" not in record.data):
            continue  # of a later version, or too long for the log: what it proved is not known here
        event = Event(EventType(record.type), record.run, record.step, record.host, record.data)
        undo = undone.get(record.step or "")
        if undo and event.type is EventType.STEP_INTENDED and record.host:
            ledger.expect(str(record.step), [record.host], undo_parts(undo))
        ledger.apply(event)


def reopen(stepper: Stepper, gate: ApprovalGate, *, done: Collection[str], redo: Collection[str]) -> None:
    """Settle for each step on each host whether it is still to be done.

    `done` and `redo` name steps of which somebody has said what is to become of them, should that be in doubt.

    Raises:
        InvalidInputError: one of them is no step.
        DeniedError: a step is in doubt, and nobody says what is to become of it.
    """
    ids = [step.id for step in stepper.plan.runbook.procedure]
    for name in {*done, *redo} - set(ids):
        raise InvalidInputError(
            f"{stepper.plan.runbook.id} has no step {name!r}", hint=f"its steps are {', '.join(ids)}"
        )
    for step in stepper.plan.runbook.procedure:
        _reopen_changed(stepper, step)
        _reopen_undone(stepper, step)
    _recheck(stepper)
    for step in stepper.plan.runbook.procedure:
        _settle(stepper, step)
        if doubtful := _doubtful(stepper, step):
            _decide(stepper, gate, step, doubtful, "redo" if step.id in redo else "done" if step.id in done else "")
    _reopen_decisions(stepper)


def _entries(stepper: Stepper, step: Step) -> Mapping[str, LedgerEntry]:
    return {host: stepper.ledger.entries[step.id, host] for host in stepper.ledger.hosts_of(step.id)}


def accept_changes(request: RunRequest, directory: RunDirectory, recorder: Recorder, by: str) -> None:
    """Record that the person `by` goes on by another text than the one that the run was done by last, if so."""
    state, playbook = directory.state, request.playbook_sha256
    if (state.sha256, state.playbook_sha256) in {(request.source.sha256, playbook), (request.source.sha256, "")}:
        return
    before = {"runbook_sha256": state.sha256, "playbook_sha256": state.playbook_sha256}
    after = {"runbook_sha256": request.source.sha256, "playbook_sha256": playbook}
    diff = changes(directory, request.source.definition, request.playbook)
    recorder.note(EventType.CHANGES_ACCEPTED, by=by, before=before, after=after, diff=diff)


def changes(directory: RunDirectory, runbook: bytes, playbook: bytes) -> str:
    """What differs in the texts by which a run is to be gone on with from those by which it was done last."""
    state = directory.state
    texts = (
        (directory.text("runbook", state.sha256), runbook),
        (directory.text("playbook", state.playbook_sha256), playbook),
    )
    for before, now in texts:  # a file that a step names may have changed though the runbook has not
        lines = (before.splitlines(), now.decode(errors="replace").splitlines())
        if difference := "\n".join(difflib.unified_diff(*lines, "when the run began", "now", lineterm="")):
            return difference
    return ""


def _reopen_changed(stepper: Stepper, step: Step) -> None:
    """What was proven of another text than the present one is to be done, or at least verified, again."""
    now = stepper.ledger.digests.get(step.id, "")
    for host, entry in _entries(stepper, step).items():
        if entry.digest in {"", now} or stepper.ledger.is_undone(step.id, host):
            continue
        if not entry.intended and entry.missing >= parts(step):
            continue  # it is to be done anyway
        if step.repeatable or not entry.intended or _failed_for_sure(entry):
            open_again(stepper, step, [host], parts(step), redo=True)
            continue
        still_proven = {"action"} if entry.digest.partition(":")[0] == now.partition(":")[0] else set()
        data = {"parts": sorted(parts(step) - still_proven), "hosts": [host], "redo": False, "digest": now}
        stepper.recorder.note(EventType.STEP_REOPENED, step.id, **data)


def _reopen_undone(stepper: Stepper, step: Step) -> None:
    """Whatever is for sure not done is to be done: it never began, failed, was taken back, or may be repeated."""
    again, waiting = [], []
    for host, entry in _entries(stepper, step).items():
        if stepper.ledger.is_undone(step.id, host):
            again.append(host)
        elif entry.outcome in DONE:
            continue
        elif entry.intended and (step.repeatable or _failed_for_sure(entry)):
            again.append(host)
        elif not entry.intended and entry.outcome is not None:
            waiting.append(host)
    for host in again:
        open_again(stepper, step, [host], parts_again(stepper, step, host), redo=True)
    for host in waiting:  # what a person has said already counts
        open_again(stepper, step, [host], stepper.ledger.entries[step.id, host].missing, redo=False)


def _reopen_decisions(stepper: Stepper) -> None:
    """What was decided by values that are captured again is decided again, unless the step was begun by now."""
    again: dict[str, set[str]] = {}
    for step in stepper.plan.runbook.procedure:
        for host, entry in _entries(stepper, step).items():
            values = again.setdefault(host, set())
            if step.only_if and not entry.intended and ONLY_IF not in entry.missing and names(step.only_if) & values:
                open_again(stepper, step, [host], parts(step), redo=True)
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
    for step in stepper.plan.runbook.procedure:
        again = repeatable_parts(step)
        for host, entry in _entries(stepper, step).items():
            passed = entry.outcome is Outcome.PASSED
            if again and (passed or entry.intended):
                open_again(stepper, step, [host], again if passed else again | entry.missing, redo=False)
                checked.setdefault(step.id, []).append(host)
    recheck(stepper, checked)


def _settle(stepper: Stepper, step: Step) -> None:
    """An interrupted step was done where all that a machine verifies of it holds, and looks for itself."""
    looks = {f"verify/{number}" for number, _ in step.repeated}
    if not looks or looks != machine_parts(step) - {"action", ONLY_IF}:
        return
    for host, entry in _entries(stepper, step).items():
        interrupted = entry.outcome is None and entry.intended and not entry.outdated
        if interrupted and entry.missing & machine_parts(step) == {"action"}:
            data = {"part": "action", "outcome": Outcome.PASSED, "reason": "its verifications hold"}
            stepper.recorder.record_of(EventType.STEP_SETTLED, step.id, host, data)


def _doubtful(stepper: Stepper, step: Step) -> list[str]:
    """The hosts on which `step` was begun and is not proven, or no longer holds."""
    return [
        host
        for host, entry in _entries(stepper, step).items()
        if entry.outcome not in {None, *DONE} or (entry.intended and entry.missing & machine_parts(step))
    ]


def _decide(stepper: Stepper, gate: ApprovalGate, step: Step, hosts: Sequence[str], decision: str) -> None:
    """Let a person say whether an interrupted step is done or to be done again; it is never repeated without."""
    if not decision:
        entries = {host: stepper.ledger.entries[step.id, host] for host in hosts}
        why = "; ".join(f"{host}: {entry.reason or _unknown(entry)}" for host, entry in entries.items())
        answer = gate.ask(Gate(step, "unknown", f"{step.name}: {why}"), hosts)
        decision = "redo" if answer.instead == "redo" else "done" if answer.yes else ""
        if not decision:
            raise DeniedError(
                f"{step.id} is in doubt on {', '.join(hosts)} ({why})",
                hint=f"look, then say --done {step.id} or --redo {step.id}",
            )
    if decision == "redo":
        later = stepper.plan.runbook.procedure[stepper.plan.runbook.procedure.index(step) :]
        for each in later:
            for host in (host for host in stepper.ledger.hosts_of(each.id) if host in hosts):
                open_again(stepper, each, [host], parts_again(stepper, each, host), redo=True)
        return
    for host in hosts:
        missing = sorted(stepper.ledger.entries[step.id, host].missing & machine_parts(step))
        open_again(stepper, step, [host], stepper.ledger.entries[step.id, host].missing, redo=False)
        for part in missing:
            data = {"part": part, "outcome": Outcome.PASSED, "reason": "a person says that it is done"}
            stepper.recorder.record_of(EventType.STEP_SETTLED, step.id, host, data)


def _unknown(entry: LedgerEntry) -> str:
    if entry.outdated:
        return "it was done in an older form than the one that is written now"
    return "it was done, and is not verified" if entry.acted is Outcome.PASSED else "nobody knows whether it was done"
