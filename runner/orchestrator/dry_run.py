"""Runs that only look: a dry run, in which a change is only shown, and a preflight, which asks what must hold first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from runner.core.events import EventType, Outcome
from runner.core.step_tags import step_tag
from runner.executor.host_ledger import parts
from runner.model.mentions import mentioned
from runner.model.step import Effect, Step
from runner.orchestrator.run_context import Control


def dry_run(control: Control) -> None:
    """Go through the procedure: each step ends as passed, failed, planned or unknowable on each of its hosts.

    Raises:
        RunbookError: as `Control.execute`.
    """
    control.know()
    unknown: set[str] = set()
    changed: set[str] = set()
    for step in control.runbook.procedure:
        hosts = [host for host in control.hosts_of(step) if host not in control.lost]
        looks = step.effect is Effect.READ and not step.manual and bool(step.action or step.automated)
        if mentioned(step, unknown):
            _end(control, step, hosts, Outcome.UNKNOWABLE, "it needs what an earlier step would have found or made")
        elif looks:
            _look(control, step, hosts, after=changed & set(hosts))
        else:
            _plan(control, step, hosts)
            changed |= set(hosts) if step.effect is not Effect.READ else set()
        if not all(control.ledger.entries[step.id, host].outcome is Outcome.PASSED for host in hosts):
            unknown |= {*step.capture, *step.choose}
        if control.cancelled or (control.lost and not changed):
            return


def preflight(control: Control) -> None:
    """Probe every prerequisite, whatever became of the others; nothing else is done.

    Raises:
        RunbookError: as `Control.execute`, or a host cannot be worked on.
    """
    control.know()
    for step in control.runbook.procedure:
        hosts = control.hosts_of(step)
        if control.cancelled:
            return
        if step not in control.runbook.prerequisites:
            _end(control, step, hosts, Outcome.PLANNED, "not done in a preflight")
        elif step.action or step.automated:
            _look(control, step, hosts, after=())
        else:
            _end(control, step, hosts, Outcome.PLANNED, "a person would be asked")


def _look(control: Control, step: Step, hosts: Sequence[str], *, after: Collection[str]) -> None:
    """Do what only looks; what does not hold now may hold once an earlier step has really changed something."""
    if not hosts:
        return
    control.execute([step_tag(step.id)], hosts)
    human = [f"verify/{number}" for number, _ in step.confirmations]
    waiting = control.ledger.waits_for(step.id, human)
    _end(control, step, waiting, Outcome.PLANNED, "a person would be asked")
    if after:
        failed = [host for _, host in control.ledger.broken([step], after)]
        _end(control, step, failed, Outcome.UNKNOWABLE, "it does not hold now, and an earlier step may change that")


def _plan(control: Control, step: Step, hosts: Sequence[str]) -> None:
    if step.action and not step.manual and hosts:
        control.render([step.id])
        known = control.approvals.commands(step.id)
        commands = {host: known.get(host, "") for host in hosts}
        control.recorder.note(EventType.COMMANDS_RENDERED, step.id, commands=commands)
    _end(control, step, hosts, Outcome.PLANNED, "a person would do it" if step.manual else "not done in a dry run")


def _end(control: Control, step: Step, hosts: Sequence[str], outcome: Outcome, reason: str) -> None:
    for host in hosts:
        if control.ledger.entries[step.id, host].outcome is not None:
            again = {"parts": sorted(parts(step)), "hosts": [host], "redo": True}
            control.recorder.note(EventType.STEP_REOPENED, step.id, **again)
        said = {"part": "action", "outcome": outcome, "reason": reason}
        control.recorder.record_of(EventType.STEP_SETTLED, step.id, host, said)
