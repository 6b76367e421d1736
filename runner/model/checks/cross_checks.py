"""What must be right between the parts of a runbook, each of which is right by itself."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError

from runner.core.templates import NUMBERS, last_filter
from runner.kinds.steps.base import StepKind
from runner.kinds.values import NEVER_GOOD
from runner.kinds.verifications.base import StandInVerification
from runner.model.checks import secret_checks, step_checks
from runner.model.checks.condition_truth import accepts, always, plain_names
from runner.model.checks.step_checks import Fault
from runner.model.checks.written_step import WrittenStep
from runner.model.names import ITEM
from runner.model.step import Step, Undo
from runner.model.verification import Verification
from runner.model.yaml.finding import Place, quoted

_FEW = 5

# What stands for a part that has faults of its own, so that the rest of the file is still checked.
STAND_IN = Verification(says="-", kinds=(StandInVerification(),))
STAND_IN_STEP = Step(id="stand-in", name="-", action=None, verify=(STAND_IN,))


def faults(
    runbook: Mapping[str, Any],
    prerequisites: Sequence[WrittenStep],
    steps: Sequence[WrittenStep],
    on_cancel: Sequence[WrittenStep],
    watched: Sequence[WrittenStep] = (),
) -> Iterator[Fault]:
    """Every fault of the `runbook` (as it is written) that none of its parts has alone."""
    inputs = runbook.get("inputs")
    inputs = inputs if isinstance(inputs, dict) else {}
    yield from _ids([*steps, *on_cancel, *watched])
    yield from _names(inputs, [*prerequisites, *steps, *on_cancel, *watched])
    yield from _nothing_to_undo(steps)
    yield from _calls(runbook, inputs, [*prerequisites, *steps])
    everything = (*prerequisites, *steps, *on_cancel, *watched)
    captured = [
        name
        for each in everything
        for key in ("capture", "choose")
        for name, what in (each.written(key, dict) or {}).items()
        if not _gives_number(what)
    ]
    values = secret_checks.SensitiveNames(inputs, [*captured, ITEM])
    for each in everything:
        yield from secret_checks.faults(each.at, each.raw, values)
        if each.step:
            yield from _capture(each, each.step)
            yield from _effect(each, each.step)
            yield from _verifications(each, each.step, inputs)
            yield from step_checks.faults(each.at, each.step, runbook.get("id"))
    for each in on_cancel:
        if each.step:
            yield from step_checks.unattended(each.at, each.step)


def _gives_number(expression: object) -> bool:
    """Whether what is captured by `expression` is a number, whatever a host says."""
    try:
        return isinstance(expression, str) and last_filter(f"{{{{ {expression} }}}}") in NUMBERS
    except TemplateError:
        return False


def _ids(steps: Sequence[WrittenStep]) -> Iterator[Fault]:
    earlier: set[str] = set()
    for each in steps:
        name = each.written("id", str)
        if name in earlier:
            yield (*each.at, "id"), "duplicate-id", f"another step is called {quoted(name)}", "one name is one step"
        elif name and name.startswith(("prerequisite-", "undo-", "recheck-")):
            message = f"{quoted(name)} is what a prerequisite or an undo may be called"
            yield (*each.at, "id"), "duplicate-id", message, "choose another name"
        earlier.add(name)


def _names(inputs: Mapping[str, Any], procedure: Sequence[WrittenStep]) -> Iterator[Fault]:
    used_by = dict.fromkeys(inputs, "an input")
    for name in [name for name, item in inputs.items() if _is_duration(item)]:
        if f"{name}_seconds" in inputs:
            message = f"{name}_seconds is {name} in seconds already"
            yield ("inputs", f"{name}_seconds"), "duplicate-name", message, "choose another name"
        used_by[f"{name}_seconds"] = f"the input {name} in seconds"
    for each in procedure:
        if each.step:
            yield from step_checks.unknown_names(each.at, each.step, used_by)
        for key, how in (("choose", "chosen in"), ("capture", "captured by")):
            for name in each.written(key, dict) or {}:
                if name in used_by:
                    message = f"{quoted(name)} is {used_by[name]} already"
                    yield (*each.at, key, name), "duplicate-name", message, "one name is one thing"
                used_by.setdefault(name, f"{how} an earlier step")


def _is_duration(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.get("type") == "duration"


def _nothing_to_undo(steps: Sequence[WrittenStep]) -> Iterator[Fault]:
    there = False
    for each in steps:
        there = there or each.written("undo", object) is not None or bool(each.step and each.step.undo)
        if each.written("on_failure", str) == "undo" and not there:
            message, hint = (
                "neither this step nor one before it has an `undo`",
                "add one, or write on_failure: escalate",
            )
            yield (*each.at, "on_failure"), "no-undo", message, hint


def _calls(runbook: Mapping[str, Any], inputs: Mapping[str, Any], procedure: Sequence[WrittenStep]) -> Iterator[Fault]:
    """That a condition under `escalation.when` can be judged by what the run captures."""
    policy = runbook.get("escalation")
    rules = policy.get("when") if isinstance(policy, dict) else None
    known = {name for each in procedure for key in ("capture", "choose") for name in each.written(key, dict) or {}}
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        if not (isinstance(rule, dict) and isinstance(rule.get("that"), str)):
            continue
        place, names = ("escalation", "when", number, "that"), {*plain_names(rule["that"]).values()}
        if not names:
            message = "is no comparison of captured values with numbers or texts"
            yield place, "wrong-condition", message, "write it like error_rate > 2, or error_rate > 2 and latency >= 3"
        for name in sorted(names - known - inputs.keys()):
            yield place, "unknown-name", f"no step captures {quoted(name)}", f"add `capture: {{{name}: ...}}` to a step"


def _capture(each: WrittenStep, step: Step) -> Iterator[Fault]:
    for name, expression in step.capture.items() if step.runs else ():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", expression):
            message = f"is no name of what {step.runs.run} captures" if step.runs else ""
            yield (*each.at, "capture", name), "no-result", message, "write it like {lag: lag_seconds}"
    if step.capture and step.action and not ((step.action.gives_result and _has_result(step)) or step.runs):
        hint = "capture it in a step of its own, which has no action and computes"
        yield (*each.at, "capture"), "no-result", "captures from a result, and this step has none", hint


def _effect(each: WrittenStep, step: Step) -> Iterator[Fault]:
    if step.action and step.action.declares_effect and each.written("effect", str) is None:
        message = f"says nothing about its `effect`, which nobody sees from {step.action.describe()}"
        yield (*each.at, step.action.key), "no-effect", message, "write effect: read, change or destructive"


def _has_result(step: Step) -> bool:
    return step.acts


def _verifications(each: WrittenStep, step: Step, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _judged(each.at, step.action, step.verify, inputs, computes=step.computes)
    if step.undo:
        yield from _undo(each, step, step.undo)
        yield from _judged((*each.at, "undo"), step.undo.action, step.undo.verify, inputs)


def _judged(
    at: Place,
    action: StepKind | None,
    verify: Sequence[Verification],
    inputs: Mapping[str, Any],
    *,
    computes: bool = False,
) -> Iterator[Fault]:
    """What is wrong with the verifications that judge one `action`, or what a step `computes` without one."""
    acts = action is not None and not action.human and action.gives_result and action.runs is None
    has_result = acts or computes
    for place, verification in _placed(at, verify):
        yield from _fits(place, verification, action.text if action else None, has_result=has_result)
        yield from _reachable(place, verification, action, verify)
        yield from _holds(place, verification, inputs)


def _placed(at: Place, verify: Sequence[Verification]) -> Iterator[tuple[Place, Verification]]:
    for number, verification in enumerate(verify):
        yield (*at, "verify", number), verification


def _fits(place: Place, verification: Verification, text: str | None, *, has_result: bool) -> Iterator[Fault]:
    try:
        verification.check(text, has_result=has_result)
    except ValueError as error:
        yield place, "wrong-verification", str(error), ""


_WIDENED = {"status": ("accept", range(100, 600)), "rc": ("exit", range(256))}
"""What says which statuses, or exit codes, are good, and which there are."""


def _reachable(
    place: Place, verification: Verification, action: StepKind | None, verify: Sequence[Verification]
) -> Iterator[Fault]:
    """That a condition can hold for a result with which the action, or the probe, has not failed by itself."""
    whole = " and ".join(f"({text})" for text in verification.expressions)
    for name, good in _good(verification, action, verify).items():
        within = f"({whole}) and {name} in {list(good)}"
        if not whole or always(whole, holds=False) or not always(within, holds=False):
            continue
        key, possible = _WIDENED[name]
        wanted = [number for number in possible if accepts(whole, **{name: number})]
        fit = [number for number in wanted if not (key == "exit" and number in NEVER_GOOD)]
        hint = f"write `{key}: {fit}`" if 0 < len(fit) <= _FEW else f"name what is good with `{key}`"
        if wanted and not fit:
            hint = "let the command test for it: that code says that it did not end by itself, or was not started"
        numbers = ", ".join(map(str, good))
        yield (
            (*place, "that"),
            "wrong-verification",
            f"can never hold: any {name} but {numbers} has failed before",
            hint,
        )


def _good(
    verification: Verification, action: StepKind | None, verify: Sequence[Verification]
) -> Mapping[str, Collection[int]]:
    probe = verification.probe()
    if probe is None:
        any_exit_code = any(each.good_exits for each in verify if not each.probes)
        good = action.good if action else {}
        return {name: numbers for name, numbers in good.items() if not (name == "rc" and any_exit_code)}
    return {"rc": (0,)} if "rc" in probe.names and not verification.good_exits else {}


def _holds(place: Place, verification: Verification, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    for key, name in (("hold_for", verification.held), ("within", verification.within)):
        if isinstance(name, str) and not _is_duration(inputs.get(name)):
            message = f"{quoted(name)} is not an input of type duration"
            yield (*place, key), "unknown-input", message, "declare it under `inputs`"


def _undo(each: WrittenStep, step: Step, undo: Undo) -> Iterator[Fault]:
    if step.runs:
        message = f"{step.runs.run} takes its own steps back"
        yield (*each.at, "undo"), "wrong-undo", message, f"write the undo in {step.runs.run}"
    elif not _has_result(step):
        message = "needs a step that a machine does, and in this step a machine does nothing"
        yield (*each.at, "undo"), "wrong-undo", message, "write a manual step"
    by_hand = [place for place, item in _placed((*each.at, "undo"), undo.verify) if item.human and item is not STAND_IN]
    asks = undo.action.human or undo.action.runs
    for place in [*([(*each.at, "undo", undo.action.key)] if asks else []), *by_hand]:
        message = "an undo is done and verified without asking anybody"
        yield place, "wrong-undo", message, "let a command do it, and on_failure: escalate call somebody who can"
