"""What nobody knows of before an undo: whether a step was done, or is taken back already; it is never just undone."""

from collections.abc import Iterator, Sequence

from runner.compiler.segments import Gate
from runner.core.errors import DeniedError
from runner.core.events import Outcome
from runner.core.step_tags import undo_id, undone_step
from runner.executor.host_ledger import Ledger
from runner.executor.ledger_entry import LedgerEntry, undo_parts
from runner.model.step import Step
from runner.orchestrator.continuation.doubts import (
    Doubt,
    Unit,
    check_answers,
    decisions,
    settle,
    settle_by_looks,
    units,
    unknown,
)
from runner.orchestrator.continuation.undo_plan import UndoPlan, undo_plan
from runner.orchestrator.gate.approval_gate import ApprovalGate
from runner.orchestrator.recheck import open_again, recheck, repeatable_parts
from runner.orchestrator.run_plan import RunPlan
from runner.orchestrator.stepper import Stepper

_NO_RESULT = frozenset({None, Outcome.UNKNOWN})
"""What an action has come to of which nobody knows whether it was done."""


def check_agreed(ledger: Ledger, plan: RunPlan, expected: UndoPlan | None) -> None:
    """That what is to be undone by `ledger` is what was `expected` by whoever has agreed to it, if it was shown.

    Raises:
        DeniedError: it is not.
    """
    if expected not in (None, undo_plan(plan.runbook, ledger)):
        message = "the run has continued since its undo was shown: something else is to be undone"
        raise DeniedError(message, hint=f"runbook undo {plan.request.run_id} shows it")


def settle_undo(stepper: Stepper, gate: ApprovalGate) -> None:
    """Settle what is to be undone wherever that is in doubt: by looking, as said in advance, or as a person says.

    Whatever is in doubt is called by its undo: it is done where nothing of the step is left, else it is done (again).

    Raises:
        InvalidInputError: what is said in advance names no undo.
        DoubtError: nobody says so.
    """
    plan, runbook = undo_plan(stepper.plan.runbook, stepper.ledger), stepper.plan.runbook
    hosts = {undo_id(step.id): stepper.ledger.hosts_of(step.id) for step in runbook.steps if step.undo}
    check_answers(stepper, hosts, "undo")
    steps = {step.id: step for step in runbook.procedure if step.undo}  # another run knows of its own steps itself
    concerned = [steps[item.step] for item in plan.takes_back if item.step in steps]
    _look(stepper, concerned)
    for step in concerned:
        about = Gate(step, "unknown", f"Undo: {step.name}")
        for unit, is_done in decisions(stepper, gate, about, list(_doubts(stepper, step))):
            _settle(stepper, step, unit, is_done=is_done)


def _look(stepper: Stepper, steps: Sequence[Step]) -> None:
    """Make the verifications again of what was begun, and may have been done; it was where all of them hold."""
    hosts: dict[str, list[str]] = {}
    for step in steps:
        for name, host, entry in units(stepper, step) if repeatable_parts(step) else ():
            if _is_open(entry) and _undo_of(stepper, name, host) is None:
                open_again(stepper, name, [host], repeatable_parts(step) | entry.missing, redo=False)
                hosts.setdefault(step.id, []).append(host)
    recheck(stepper, hosts)
    for step in steps:
        settle_by_looks(stepper, step)


def _is_open(entry: LedgerEntry) -> bool:
    return entry.begun and entry.intended and entry.acted in _NO_RESULT


def _undo_of(stepper: Stepper, name: str, host: str) -> LedgerEntry | None:
    """The undo, as far as it was begun, of what is recorded as `name`."""
    entry = stepper.ledger.entries.get((undo_id(name), host))
    return entry if entry and entry.intended else None


def _doubts(stepper: Stepper, step: Step) -> Iterator[Doubt]:
    """The undos of `step` of which nobody knows whether they are needed, or done already; on each host newest first."""
    hosts, newest_first = stepper.ledger.hosts_of(step.id), reversed(units(stepper, step))
    for name, host, entry in sorted(newest_first, key=lambda unit: hosts.index(unit.host)):
        undo, unit = _undo_of(stepper, name, host), Unit(undo_id(name), host, entry)
        if undo and entry.begun and undo.outcome in _NO_RESULT and not step.idempotent:
            done = undo.acted is Outcome.PASSED
            yield Doubt(unit, f"its undo {'was done, and is not verified' if done else 'was begun, and has no end'}")
        elif undo is None and _is_open(entry):
            yield Doubt(unit, entry.reason or unknown(entry))


def _settle(stepper: Stepper, step: Step, unit: Unit, *, is_done: bool) -> None:
    """Let the undo that is in doubt be done, or let it be done (again)."""
    name, host, entry = unit
    undo, parts = stepper.ledger.entries.get((name, host)), undo_parts(step.undo)
    if is_done:
        if undo is None:
            stepper.ledger.expect_undo(step, step.undo, [host])
        elif undo.outcome:
            open_again(stepper, name, [host], parts, redo=False)
        for part in sorted(parts):  # the action comes first
            settle(stepper, name, host, part, "a person says that nothing of it is left")
    elif undo and undo.intended:
        open_again(stepper, name, [host], parts, redo=True)
    elif done := undone_step(name):
        open_again(stepper, done, [host], entry.missing, redo=False)
        settle(stepper, done, host, "action", "a person says that it is to be undone")
