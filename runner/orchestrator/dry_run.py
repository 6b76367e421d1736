"""Runs that only look: a dry run, in which a change is only shown, and a preflight, which asks what must hold first."""

from collections.abc import Collection, Mapping, Sequence

from runner.compiler.batches import turns
from runner.core.events import DONE, EventType, Outcome
from runner.core.step_tags import decide_tag, step_tag
from runner.core.wording import listed
from runner.executor.ledger_entry import parts
from runner.model.checks.condition import names
from runner.model.mentions import mentioned
from runner.model.procedure import called_runbooks
from runner.model.step import Effect, Step
from runner.orchestrator.stepper import Stepper


def dry_run(stepper: Stepper) -> None:
    """Go through the procedure: each step ends as passed, failed, planned or unknowable on each of its hosts.

    Raises:
        RunbookError: as `Stepper.execute`.
    """
    unknown, stale = set[str](), set[str]()
    changed: set[str] = set()
    for step in stepper.plan.runbook.procedure:
        hosts = [host for host in stepper.plan.hosts_of(step) if host not in stepper.lost]
        uncertain = names(step.only_if or "") & stale
        looks = step.effect is Effect.READ and (step.acts or (step.action is None and bool(step.automated)))
        if mentioned(step, unknown):
            _end(stepper, step, hosts, Outcome.UNKNOWABLE, "it needs what an earlier step would have found or made")
        elif uncertain:
            _end(stepper, step, hosts, Outcome.UNKNOWABLE, f"an earlier step may change {listed(sorted(uncertain))}")
        elif looks:
            _look(stepper, step, hosts, after=changed & set(hosts))
            stale |= {*step.capture} if changed & set(hosts) else set()
        else:
            needed = _needed(stepper, step, hosts)
            _plan(stepper, step, needed)
            changed |= set(needed) if step.effect is not Effect.READ else set()
        if not all(stepper.ledger.entries[step.id, host].outcome in DONE for host in hosts):
            unknown |= {*step.capture, *step.choose}
        if stepper.cancelled or (stepper.lost and not changed):
            return


def preflight(stepper: Stepper) -> None:
    """Probe every prerequisite, whatever became of the others; nothing else is done.

    Raises:
        RunbookError: as `Stepper.execute`, or a host cannot be worked on.
    """
    for step in stepper.plan.runbook.procedure:
        hosts = stepper.plan.hosts_of(step)
        if stepper.cancelled:
            return
        if step not in stepper.plan.runbook.prerequisites:
            _end(stepper, step, hosts, Outcome.PLANNED, "not done in a preflight")
        elif step.action or step.automated:
            _look(stepper, step, hosts, after=())
        else:
            _end(stepper, step, hosts, Outcome.PLANNED, "a person would be asked")


def _look(stepper: Stepper, step: Step, hosts: Sequence[str], *, after: Collection[str]) -> None:
    """Do what only looks; what does not hold now may hold once an earlier step has really changed something."""
    if not hosts:
        return
    for turn in turns(step, hosts):
        stepper.execute([step_tag(step.id)], turn)
    human = [f"verify/{number}" for number, _ in step.confirmations]
    waiting = stepper.ledger.waits_for(step.id, human)
    _end(stepper, step, waiting, Outcome.PLANNED, "a person would be asked")
    if after:
        failed = [host for _, host in stepper.ledger.broken([step], after)]
        _end(stepper, step, failed, Outcome.UNKNOWABLE, "it does not hold now, and an earlier step may change that")


def _needed(stepper: Stepper, step: Step, hosts: Sequence[str]) -> Sequence[str]:
    """Those of `hosts` on which `step` would be done."""
    if step.only_if and hosts:
        stepper.execute([decide_tag(step.id)], hosts)
    return [host for host in hosts if stepper.ledger.entries[step.id, host].outcome is None]


def _plan(stepper: Stepper, step: Step, hosts: Sequence[str]) -> None:
    if (step.acts or step.by_controller) and hosts:
        previews = _previews(stepper, step)
        commands = {host: previews.get(host, "") for host in hosts}
        stepper.recorder.note(EventType.COMMANDS_RENDERED, step.id, commands=commands)
    _end(stepper, step, hosts, Outcome.PLANNED, "a person would do it" if step.manual else "not done in a dry run")


def _previews(stepper: Stepper, step: Step) -> Mapping[str, str]:
    """What `step` would do on each host, in words."""
    if lines := called_runbooks.in_lines(step, stepper.plan.request.find, _known(stepper)):
        return dict.fromkeys(stepper.plan.hosts_of(step), "\n".join(lines))
    stepper.render([step.id])
    return stepper.commands(step.id)


def _known(stepper: Stepper) -> Mapping[str, object]:
    """What is known of every host alike: the inputs, and what has been captured, of which there is one value."""
    found = list(stepper.recorder.captured.values())
    same = {
        name: value for name, value in (found[0] if found else {}).items() if all(o.get(name) == value for o in found)
    }
    return {**same, **stepper.plan.request.inputs}


def _end(stepper: Stepper, step: Step, hosts: Sequence[str], outcome: Outcome, reason: str) -> None:
    for host in hosts:
        if stepper.ledger.entries[step.id, host].outcome is not None:
            again = {"parts": sorted(parts(step)), "hosts": [host], "redo": True}
            stepper.recorder.note(EventType.STEP_REOPENED, step.id, **again)
        data = {"part": "action", "outcome": outcome, "reason": reason}
        stepper.recorder.record_of(EventType.STEP_SETTLED, step.id, host, data)
