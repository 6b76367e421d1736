"""Going on with a run: what is done is looked at again; what nobody knows of is asked about, never just repeated."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from runner.compiler.segments import Gate
from runner.core.errors import DeniedError, InvalidInputError
from runner.core.events import Event, EventType, Outcome
from runner.core.step_tags import undo_id
from runner.executor.host_ledger import Entry, Ledger, machine_parts, parts, undo_parts
from runner.executor.target import Target
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.orchestrator.continuation.undo_plan import UndoPlan, undo_plan
from runner.orchestrator.gate.approval_gate import ask
from runner.orchestrator.recheck import open_again, recheck, repeatable_parts
from runner.orchestrator.run_context import Control
from runner.store.log.envelope import Record
from runner.store.run_state import RunDirectory, RunState

_NOT_DONE = frozenset({Outcome.FAILED, Outcome.SKIPPED})
"""What an action may have come to for sure; an unreachable host may have done it before it was lost."""

_EVENTS = frozenset(EventType)


def restore(control: Control, records: Iterable[Record]) -> None:
    """Bring the ledger, the captured values and the history to where `records` and the run's state have left them.

    Raises:
        InvalidInputError: the run died before it knew its hosts, so there is nothing to go on with.
    """
    state = control.directory.state
    if not state.target:
        raise InvalidInputError(f"the run {state.run} has not started", hint=f"runbook run {state.runbook}")
    control.recorder.captured.update({host: dict(values) for host, values in state.captured.items()})
    control.aim(_target(state))
    control.recorder.history.extend(_replay(control.ledger, control.runbook, records))


def planned_undo(runbook: Runbook, state: RunState, records: Iterable[Record]) -> UndoPlan:
    """What an undo of the run would do by its `records`, which leaves the run alone; nothing where it only looked."""
    ledger, target = Ledger(state.run), _target(state)
    for step in runbook.procedure:
        ledger.expect(step.id, target.of(runbook, step), parts(step))
    for _ in _replay(ledger, runbook, records):
        pass
    return UndoPlan((), ()) if state.looks else undo_plan(runbook, ledger)


def _target(state: RunState) -> Target:
    """What the run was aimed at when it began."""
    hosts = {key: tuple(names) for key, names in state.target.items()}
    return Target(hosts, dict(state.environments), dict(state.machines))


def _replay(ledger: Ledger, runbook: Runbook, records: Iterable[Record]) -> Iterator[tuple[datetime, Event]]:
    """Each event of `records` with its time, once `ledger` has taken note of it."""
    undone = {undo_id(step.id): step.undo for step in runbook.steps if step.undo}
    for record in records:
        if record.type not in _EVENTS or (record.truncated and "part" not in record.data):
            continue  # of a later version, or too long for the log: what it proved is not known here
        event = Event(EventType(record.type), record.run, record.step, record.host, record.data)
        undo = undone.get(record.step or "")
        if undo and event.type is EventType.STEP_INTENDED and record.host:
            ledger.expect(str(record.step), [record.host], undo_parts(undo))
        ledger.apply(event)
        yield record.time, event


def reopen(control: Control, *, done: Collection[str], redo: Collection[str]) -> None:
    """Settle for each step on each host whether it is still to be done.

    `done` and `redo` name steps of which somebody has said what is to become of them, should that be in doubt.

    Raises:
        InvalidInputError: one of them is no step.
        DeniedError: a step is in doubt, and nobody says what is to become of it.
    """
    known = [step.id for step in control.runbook.procedure]
    for name in {*done, *redo} - set(known):
        raise InvalidInputError(f"{control.runbook.id} has no step {name!r}", hint=f"its steps are {', '.join(known)}")
    for step in control.runbook.procedure:
        _reopen_changed(control, step)
        _reopen_undone(control, step)
    _recheck(control)
    for step in control.runbook.procedure:
        _settle(control, step)
        if doubtful := _doubtful(control, step):
            _decide(control, step, doubtful, said="redo" if step.id in redo else "done" if step.id in done else "")


def _entries(control: Control, step: Step) -> Mapping[str, Entry]:
    return {host: control.ledger.entries[step.id, host] for host in control.ledger.hosts_of(step.id)}


def accept_changes(control: Control, runbook_sha256: str, playbook_sha256: str) -> None:
    """Record that somebody goes on by another text than the one with these SHA-256, and what differs."""
    request, playbook = control.request, control.request.playbook_sha256
    if (runbook_sha256, playbook_sha256) in {(request.source.sha256, playbook), (request.source.sha256, "")}:
        return
    before = {"runbook_sha256": runbook_sha256, "playbook_sha256": playbook_sha256}
    after = {"runbook_sha256": request.source.sha256, "playbook_sha256": playbook}
    by = control.env.actor.person
    diff = changes(control.directory, request.source.text, request.playbook)
    control.recorder.note(EventType.CHANGES_ACCEPTED, by=by, before=before, after=after, diff=diff)


def changes(directory: RunDirectory, runbook: bytes, playbook: bytes) -> str:
    """What differs in the texts by which a run is to be gone on with from those by which it was done last."""
    state = directory.state
    texts = (
        (directory.text("runbook", state.sha256), runbook),
        (directory.text("playbook", state.playbook_sha256), playbook),
    )
    for before, now in texts:  # a file that a step names may have changed though the runbook has not
        lines = (before.splitlines(), now.decode(errors="replace").splitlines())
        if told := "\n".join(difflib.unified_diff(*lines, "when the run began", "now", lineterm="")):
            return told
    return ""


def _reopen_changed(control: Control, step: Step) -> None:
    """What was proven of another text than the present one is to be done, or at least verified, again."""
    now = control.ledger.digests.get(step.id, "")
    for host, entry in _entries(control, step).items():
        if entry.digest in {"", now} or control.ledger.is_undone(step.id, host):
            continue
        if not entry.intended and entry.missing >= parts(step):
            continue  # it is to be done anyway
        if step.repeatable or not entry.intended or _failed_for_sure(entry):
            open_again(control, step, [host], parts(step), redo=True)
            continue
        kept = {"action"} if entry.digest.partition(":")[0] == now.partition(":")[0] else set()
        data = {"parts": sorted(parts(step) - kept), "hosts": [host], "redo": False, "digest": now}
        control.recorder.note(EventType.STEP_REOPENED, step.id, **data)


def _reopen_undone(control: Control, step: Step) -> None:
    """Whatever is for sure not done is to be done: it never began, failed, was taken back, or may be repeated."""
    again, waiting = [], []
    for host, entry in _entries(control, step).items():
        if control.ledger.is_undone(step.id, host):
            again.append(host)
        elif entry.outcome is Outcome.PASSED:
            continue
        elif entry.intended and (step.repeatable or _failed_for_sure(entry)):
            again.append(host)
        elif not entry.intended and entry.outcome is not None:
            waiting.append(host)
    open_again(control, step, again, parts(step), redo=True)
    for host in waiting:  # what a person has said already counts
        open_again(control, step, [host], control.ledger.entries[step.id, host].missing, redo=False)


def _failed_for_sure(entry: Entry) -> bool:
    """Whether the action itself was not good: it said so, or a verification of its result did."""
    if entry.outcome is not Outcome.FAILED or entry.acted is not Outcome.PASSED:
        return entry.acted in _NOT_DONE
    return not entry.looked


def _recheck(control: Control) -> None:
    """Make the verifications again that look for themselves, of every change that was made or may have been."""
    checked: dict[str, list[str]] = {}
    for step in control.runbook.procedure:
        again = repeatable_parts(step)
        for host, entry in _entries(control, step).items():
            passed = entry.outcome is Outcome.PASSED
            if again and (passed or entry.intended):
                open_again(control, step, [host], again if passed else again | entry.missing, redo=False)
                checked.setdefault(step.id, []).append(host)
    recheck(control, checked)


def _settle(control: Control, step: Step) -> None:
    """An interrupted step was done where all that a machine verifies of it holds, and looks for itself."""
    looks = {f"verify/{number}" for number, _ in step.repeated}
    if not looks or looks != machine_parts(step) - {"action"}:
        return
    for host, entry in _entries(control, step).items():
        interrupted = entry.outcome is None and entry.intended and not entry.outdated
        if interrupted and entry.missing & machine_parts(step) == {"action"}:
            said = {"part": "action", "outcome": Outcome.PASSED, "reason": "its verifications hold"}
            control.recorder.record_of(EventType.STEP_SETTLED, step.id, host, said)


def _doubtful(control: Control, step: Step) -> list[str]:
    """The hosts on which `step` was begun and is not proven, or no longer holds."""
    return [
        host
        for host, entry in _entries(control, step).items()
        if entry.outcome not in {None, Outcome.PASSED} or (entry.intended and entry.missing & machine_parts(step))
    ]


def _decide(control: Control, step: Step, hosts: Sequence[str], *, said: str) -> None:
    """Let a person say whether an interrupted step is done or to be done again; it is never repeated without."""
    if not said:
        known = {host: control.ledger.entries[step.id, host] for host in hosts}
        why = "; ".join(f"{host}: {entry.reason or _unknown(entry)}" for host, entry in known.items())
        answer = ask(control, Gate(step, "unknown", f"{step.name}: {why}"), hosts)
        said = "redo" if answer.instead == "redo" else "done" if answer.yes else ""
        if not said:
            raise DeniedError(
                f"{step.id} is in doubt on {', '.join(hosts)} ({why})",
                hint=f"look, then say --done {step.id} or --redo {step.id}",
            )
    if said == "redo":
        later = control.runbook.procedure[control.runbook.procedure.index(step) :]
        for each in later:
            open_again(
                control,
                each,
                [host for host in control.ledger.hosts_of(each.id) if host in hosts],
                parts(each),
                redo=True,
            )
        return
    for host in hosts:
        missing = sorted(control.ledger.entries[step.id, host].missing & machine_parts(step))
        open_again(control, step, [host], control.ledger.entries[step.id, host].missing, redo=False)
        for part in missing:
            told = {"part": part, "outcome": Outcome.PASSED, "reason": "a person says that it is done"}
            control.recorder.record_of(EventType.STEP_SETTLED, step.id, host, told)


def _unknown(entry: Entry) -> str:
    if entry.outdated:
        return "it was done in an older form than the one that is written now"
    return "it was done, and is not verified" if entry.acted is Outcome.PASSED else "nobody knows whether it was done"
