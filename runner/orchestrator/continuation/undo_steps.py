"""Taking back what was done, newest first, on exactly the hosts on which it was begun; what cannot be is a debt."""

from __future__ import annotations

from collections.abc import Collection

from runner.core.events import EventType, Outcome
from runner.core.step_tags import step_tag, undo_id
from runner.executor.host_ledger import undo_parts
from runner.orchestrator.continuation.undo_plan import undo_plan
from runner.orchestrator.run_context import Control
from runner.store.owed_undos import Debt, Debts


def undo(control: Control, hosts: Collection[str] | None = None) -> None:
    """Take back every step that was begun, on all hosts or on those in `hosts`, and prove that it is.

    What stays, as nothing undoes it, is recorded first.

    Raises:
        RunbookError: as `Control.execute`; what was not undone by then is a debt as well.
    """
    debts = Debts(control.env.state.path / "debts")
    plan = undo_plan(control.runbook, control.ledger, hosts)
    control.taken_back |= set(hosts if hosts is not None else control.target.names if control.target else ())
    control.recorder.note(EventType.UNDO_PLANNED, **plan.data())
    steps = {step.id: step for step in control.runbook.steps}
    for item in plan.takes_back:
        name, taken = undo_id(item.step), steps[item.step].undo
        assert taken  # noqa: S101 - only what has an undo is taken back
        control.ledger.expect(name, item.hosts, undo_parts(taken))
        for host in item.hosts:  # until it is proven, it is owed: also when this very process dies
            _owe(control, debts, item.step, host)
        control.execute([step_tag(name)], item.hosts)
        for host in item.hosts:
            if control.ledger.entries[name, host].outcome is Outcome.PASSED:
                debts.pay(host, control.runbook.id, item.step)
                control.recorder.record_of(EventType.DEBT_PAID, item.step, host, {"runbook": control.runbook.id})


def _owe(control: Control, debts: Debts, step: str, host: str) -> None:
    since = control.env.clock().wall.isoformat(timespec="seconds")
    debts.owe(Debt(host, control.runbook.id, step, control.request.run_id, since))
    control.recorder.record_of(EventType.DEBT_MADE, step, host, {"runbook": control.runbook.id})
