"""What nobody knows of: what was begun and is not proven, of which a person says what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from runner.compiler.segments import Gate
from runner.core.errors import DeniedError
from runner.core.events import DONE, EventType, Outcome
from runner.core.step_tags import item_of
from runner.core.wording import in_one_line
from runner.executor.ledger_entry import LedgerEntry, item_parts
from runner.model.step import Step
from runner.orchestrator.gate.approval_gate import ApprovalGate
from runner.orchestrator.recheck import open_again, parts_again
from runner.orchestrator.stepper import Stepper


class Unit(NamedTuple):
    """What is done by itself: a step on a host, or one of its items there, by the name under which it is recorded."""

    name: str
    host: str
    entry: LedgerEntry

    def __str__(self) -> str:
        item = item_of(self.name)
        return f"{self.host}, item {item[1]} ({in_one_line(self.entry.item)})" if item else self.host


def whole(name: str) -> str:
    """The step of which `name` is, or is an item."""
    item = item_of(name)
    return item[0] if item else name


def units(stepper: Stepper, step: Step) -> list[Unit]:
    """All that is done by itself of `step`, on each host."""
    ledger = stepper.ledger
    return [
        Unit(name, host, entry)
        for host in ledger.hosts_of(step.id)
        for name, entry in ledger.units(step.id, host).items()
    ]


def settle_doubts(
    stepper: Stepper, gate: ApprovalGate, step: Step, *, done: Collection[str], redo: Collection[str]
) -> None:
    """Settle what became of `step` wherever that is in doubt: as `done` and `redo` say, else as a person does.

    They name a step, or an item of it, on every host, or `STEP@HOST`. A person is asked about one host after the other.

    Raises:
        DeniedError: nobody says so.
    """
    doubtful, decided = _doubtful(stepper, step), dict[str, list[Unit]]()
    for unit in doubtful:
        decision = _decided_before(unit, done, redo) or _decided(gate, step, unit, doubtful)
        decided.setdefault(decision, []).append(unit)
    for decision, settled in decided.items():
        _settled_as(stepper, step, settled, decision)


def _doubtful(stepper: Stepper, step: Step) -> list[Unit]:
    """Where `step`, or an item of it, was begun and is not proven, or no longer holds."""
    return [unit for unit in units(stepper, step) if _is_doubtful(unit.entry, item_parts(step))]


def _is_doubtful(entry: LedgerEntry, of_machines: Collection[str]) -> bool:
    return entry.outcome not in {None, *DONE} or (entry.intended and bool(entry.missing & set(of_machines)))


def _decided_before(unit: Unit, done: Collection[str], redo: Collection[str]) -> str:
    """What is said of `unit` by its name; what names its host goes before what does not."""
    for where in (f"@{unit.host}", ""):
        names = {f"{unit.name}{where}", f"{whole(unit.name)}{where}"}
        if names & {*redo, *done}:
            return "redo" if names & set(redo) else "done"
    return ""


def _decided(gate: ApprovalGate, step: Step, unit: Unit, doubtful: Sequence[Unit]) -> str:
    """What a person says of a `unit`: whether it is done or to be done again; it is never repeated without.

    Raises:
        DeniedError: nobody says so; all that are `doubtful` are told.
    """
    answer = gate.ask(Gate(step, "unknown", f"{step.name}: {_why(unit)}"), [unit.host])
    if answer.instead == "redo" or answer.yes:
        return "redo" if answer.instead == "redo" else "done"
    hosts = list(dict.fromkeys(each.host for each in doubtful))
    name = f"{unit.name}@{unit.host}" if len(hosts) > 1 else unit.name
    raise DeniedError(
        f"{step.id} is in doubt on {', '.join(hosts)} ({'; '.join(map(_why, doubtful))})",
        hint=f"look, then say --done {name} or --redo {name}",
    )


def _why(unit: Unit) -> str:
    return f"{unit}: {unit.entry.reason or _unknown(unit.entry)}"


def _settled_as(stepper: Stepper, step: Step, units: Sequence[Unit], decision: str) -> None:
    """Let `units` of `step` be done, or be done again with all that comes after them."""
    if decision == "redo":
        for name, host, _ in units:
            open_again(stepper, name, [host], parts_again(stepper, step, name, host), redo=True)
        later = stepper.plan.runbook.procedure[stepper.plan.runbook.procedure.index(step) + 1 :]
        concerned = {unit.host for unit in units}
        for each in later:
            for host in (host for host in stepper.ledger.hosts_of(each.id) if host in concerned):
                open_again(stepper, each.id, [host], parts_again(stepper, each, each.id, host), redo=True)
        return
    for name, host, entry in units:
        missing = sorted(entry.missing & item_parts(step))
        open_again(stepper, name, [host], entry.missing, redo=False)
        for part in missing:
            data = {"part": part, "outcome": Outcome.PASSED, "reason": "a person says that it is done"}
            stepper.recorder.record_of(EventType.STEP_SETTLED, name, host, data)


def _unknown(entry: LedgerEntry) -> str:
    if entry.outdated:
        return "it was done in an older form than the one that is written now"
    return "it was done, and is not verified" if entry.acted is Outcome.PASSED else "nobody knows whether it was done"
