"""Making the verifications again that look for themselves: of what was done before, and of what somebody has mended."""

from collections.abc import Iterable, Mapping, Sequence

from runner.compiler import needed_steps
from runner.compiler.batches import fewest_batches, turns
from runner.core.events import DONE, EventType
from runner.core.step_tags import decide_tag, item_of, recheck_tag, step_tag
from runner.executor.ledger_entry import ONLY_IF, item_parts, parts
from runner.model.step import Effect, Step
from runner.orchestrator.stepper import Stepper


def repeatable_parts(step: Step) -> set[str]:
    """The verifications of a change that can be made again; what only looks can be done again as a whole."""
    return {f"verify/{number}" for number, _ in step.repeated} if step.effect is not Effect.READ else set()


def parts_again(stepper: Stepper, step: Step, name: str, host: str) -> set[str]:
    """What is to be proven on `host` of what is recorded as `name`, `step` or an item of it, when it is done again.

    That it is needed there stays decided.
    """
    if item_of(name):
        return item_parts(step)
    decided = needed_steps.needed(step.id) in stepper.recorder.captured.get(host, {})
    return parts(step) - ({ONLY_IF} if decided else set())


def open_again(stepper: Stepper, name: str, hosts: Sequence[str], missing: Iterable[str], *, redo: bool) -> None:
    """Let the parts `missing` of the step, or of the item of one, that is recorded as `name` be proven anew on `hosts`.

    `redo` says that all of it is done again.
    """
    if hosts:
        data = {"parts": sorted(missing), "hosts": list(hosts), "redo": redo}
        stepper.recorder.note(EventType.STEP_REOPENED, name, **data)


def recheck(stepper: Stepper, hosts: Mapping[str, Sequence[str]]) -> None:
    """Make the verifications of the steps in `hosts` again there, once they are open."""
    steps = [step for step in stepper.plan.runbook.procedure if step.id in hosts]
    for batch in fewest_batches(steps, on=lambda step: hosts[step.id], of=stepper.plan.hosts_of):
        decisions = [decide_tag(step.id) for step in batch.steps if step.only_if]
        stepper.execute([*(recheck_tag(step.id) for step in batch.steps), *decisions], batch.hosts)


def verify_again(stepper: Stepper, step: Step, hosts: Sequence[str]) -> list[str]:
    """Look again whether `step`, which did not pass on `hosts`, holds there by now; where it does not.

    Of a change only the verifications are made again that look for themselves: they judge the host, however it came to
    be as it is. What only looks is done again as a whole. What a person was to confirm is still to be confirmed.
    """
    if step.effect is Effect.READ:
        for host in hosts:
            open_again(stepper, step.id, [host], parts_again(stepper, step, step.id, host), redo=True)
        for turn in turns(step, hosts):
            stepper.execute([step_tag(step.id)], turn)
    else:
        looks, people = repeatable_parts(step), {f"verify/{number}" for number, _ in step.confirmations}
        for host in hosts:
            for name, entry in stepper.ledger.units(step.id, host).items():
                if entry.outcome not in DONE and (entry.intended or name == step.id):
                    open_again(stepper, name, [host], looks | (entry.missing & people), redo=False)
        recheck(stepper, {step.id: hosts})
    stepper.recorder.close()
    return [host for host in hosts if stepper.ledger.entries[step.id, host].outcome not in DONE]
