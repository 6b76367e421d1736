"""What must be right about what follows a step: trying again, handing over, choosing, undoing, cancelling."""

from collections.abc import Collection, Iterator

from runner.model.mentions import mentioned_in
from runner.model.procedure import each
from runner.model.step import HandOver, Step
from runner.model.yaml.finding import Place, did_you_mean, quoted

Fault = tuple[Place, str, str, str]
"""Where, the rule, the message and the hint."""


def faults(at: Place, step: Step, runbook: object) -> Iterator[Fault]:
    """What is wrong with what may follow `step` of the runbook with the id `runbook`."""
    yield from _retry(at, step)
    if step.on and not (step.acts or step.automated):
        yield (*at, "on"), "wrong-on", "names a machine, and a person does all of this step", "leave `on` out"
    if not step.on and mentioned_in([step.action, *step.verify, step.capture, step.undo], ["step_host"]):
        hint = "write {{ inventory_hostname }}"
        yield at, "wrong-on", "step_host is the host for which a step is done elsewhere, and this one has no `on`", hint
    yield from each.faults(at, step)
    if step.undo and step.reversible is False:
        yield (*at, "reversible"), "wrong-undo", "says that nothing takes the step back, beside an `undo`", "keep one"
    for key in ("each", "on") if step.runs else ():
        if getattr(step, key):
            message = "goes with what is done by the step itself, and another runbook does this one"
            yield (*at, key), "wrong-hand-over", message, "leave it out"
    for key, other in step.others.items():
        if other.run == runbook:
            message = "runs this very runbook" if key == "run" else "hands over to this very runbook"
            yield (*at, key), "wrong-hand-over", message, "name another one, or write `retry`"


def _retry(at: Place, step: Step) -> Iterator[Fault]:
    if step.retry and not step.acts:
        yield (*at, "retry"), "wrong-retry", "tries an action again, and a machine does nothing in this step", ""
    elif step.retry and step.action and not step.action.gives_result:
        message, hint = "would do all of its tasks again", "write `until` and `retries` in the task that may fail"
        yield (*at, "retry"), "wrong-retry", message, hint
    elif step.retry and step.retry.exit_codes and step.action and step.action.text != "stdout":
        hint = "leave exit_codes out, or write a command or shell step"
        yield (*at, "retry", "exit_codes"), "wrong-retry", "goes with a command, and this action has no exit code", hint


def unattended(at: Place, step: Step) -> Iterator[Fault]:
    """What is wrong with a `step` that is done when somebody cancels, and so asks nobody."""
    if step.asks_people or step.runs:
        yield (
            at,
            "wrong-on-cancel",
            "is done when somebody has cancelled, without asking anybody",
            "let a machine do it",
        )
    if step.announces:
        message = "tells something when somebody has cancelled; whoever `announce` of the runbook names hears of that"
        yield (*at, "announce"), "wrong-on-cancel", message, "leave it out"
    if isinstance(step.on_failure, HandOver) or step.on_failure == "undo":
        message = "nothing is undone or handed over after somebody has cancelled"
        yield (*at, "on_failure"), "wrong-on-cancel", message, "leave it out"


def unknown_names(at: Place, step: Step, names: Collection[str]) -> Iterator[Fault]:
    """The names that `step` takes something from and that are not among the `names` before it."""
    for name, choice in step.choose.items():
        if choice.from_ not in names:
            hint = did_you_mean(choice.from_, names) or "capture its rows in an earlier step"
            yield (*at, "choose", name, "from"), "unknown-name", f"{quoted(choice.from_)} is not captured before", hint
    for key, other in step.others.items():
        for name, reference in other.references().items():
            if reference not in names and (key == "run" or reference not in step.capture):
                message = f"{quoted(reference)} is neither an input nor captured before"
                place = (*at, "inputs", name) if key == "run" else (*at, key, "inputs", name)
                first = f"of the inventory? A step without an action keeps it first: capture: {{kept: {reference}}}"
                yield place, "unknown-name", message, did_you_mean(reference, names) or first
