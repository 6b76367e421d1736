"""Taking back what was done, newest first, on exactly the hosts on which it was begun; what cannot be is a debt."""

from __future__ import annotations

from collections.abc import Collection

from runner.core.events import EventType, Instant, Outcome
from runner.core.step_tags import step_tag, undo_id
from runner.executor.host_ledger import undo_parts
from runner.orchestrator.continuation.undo_plan import undo_plan
from runner.orchestrator.run_environment import Installation
from runner.orchestrator.stepper import Stepper
from runner.store.owed_undos import OwedUndo, OwedUndos


def undo(stepper: Stepper, installation: Installation, hosts: Collection[str] | None = None) -> None:
    """Take back every step that was begun, on all hosts or on those in `hosts`, and prove that it is.

    What stays, as nothing undoes it, is recorded first.

    Raises:
        RunbookError: as `Stepper.execute`; what was not undone by then is owed as well.
    """
    owed = installation.state.owed_undos
    plan = undo_plan(stepper.plan.runbook, stepper.ledger, hosts)
    stepper.recorder.note(EventType.UNDO_PLANNED, **plan.data())
    steps = {step.id: step for step in stepper.plan.runbook.steps}
    for item in plan.takes_back:
        name, taken = undo_id(item.step), steps[item.step].undo
        assert taken  # noqa: S101 - only what has an undo is taken back
        stepper.ledger.expect(name, item.hosts, undo_parts(taken))
        for host in item.hosts:  # until it is proven, it is owed: also when this very process dies
            _owe(stepper, owed, item.step, host, installation.clock())
        stepper.execute([step_tag(name)], item.hosts)
        for host in item.hosts:
            if stepper.ledger.entries[name, host].outcome is Outcome.PASSED:
                owed.remove(host, stepper.plan.runbook.id, item.step)
                stepper.recorder.record_of(EventType.DEBT_PAID, item.step, host, {"runbook": stepper.plan.runbook.id})


def _owe(stepper: Stepper, owed: OwedUndos, step: str, host: str, now: Instant) -> None:
    since = now.wall.isoformat(timespec="seconds")
    owed.add(OwedUndo(host, stepper.plan.runbook.id, step, stepper.plan.request.run_id, since))
    stepper.recorder.record_of(EventType.DEBT_MADE, step, host, {"runbook": stepper.plan.runbook.id})
