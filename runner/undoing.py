"""Taking back what was done, newest first, on exactly the hosts on which it was begun; what can not be is a debt."""

from __future__ import annotations

from collections.abc import Collection

from runner.control import Control
from runner.events import EventType, Outcome
from runner.execution.ledger import undo_parts
from runner.execution.tags import step_tag, undo_id
from runner.record.debts import Debt, Debts


def undo(control: Control, hosts: Collection[str] | None = None) -> None:
    """Take back every step that was begun, on all hosts or on those in `hosts`, and prove that it is.

    Raises:
        RunbookError: as `Control.execute`; what was not taken back by then is a debt as well.
    """
    debts = Debts(control.around.state.path / "debts")
    for step in reversed(control.runbook.steps):
        begun = [host for host in control.ledger.to_undo(step) if hosts is None or host in hosts]
        if not (step.undo and begun):
            continue
        name = undo_id(step.id)
        control.ledger.expect(name, begun, undo_parts(step.undo))
        for host in begun:  # until it is proven, it is owed: also when this very process dies
            _owe(control, debts, step.id, host)
        control.execute([step_tag(name)], begun)
        for host in begun:
            if control.ledger.entries[name, host].outcome is Outcome.PASSED:
                debts.pay(host, control.runbook.id, step.id)
                control.journal.record_of(EventType.DEBT_PAID, step.id, host, {"runbook": control.runbook.id})


def _owe(control: Control, debts: Debts, step: str, host: str) -> None:
    since = control.around.clock().wall.isoformat(timespec="seconds")
    debts.owe(Debt(host, control.runbook.id, step, control.request.run_id, since))
    control.journal.record_of(EventType.DEBT_MADE, step, host, {"runbook": control.runbook.id})
