"""`run: RUN-032` as a step: the runbook is done in a run of its own, gone on with and taken back with the other one."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from runner.core.deferred import dataclass
from runner.core.errors import DoubtError, InvalidInputError
from runner.core.events import DONE, EventType, Outcome
from runner.core.step_tags import undo_id, undone_step
from runner.core.wording import first_line
from runner.executor.ledger_entry import worst_of
from runner.model.step import Step
from runner.orchestrator.continuation.handover import request_for
from runner.orchestrator.continuation.resumption import plan_undo, planned_undo
from runner.orchestrator.deadline import Deadline
from runner.orchestrator.request import Child, Result, RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.stepper import Stepper
from runner.store.log.log_reader import read
from runner.store.run_state import RunState

_WELL = frozenset({Outcome.PASSED, Outcome.HANDED_OVER})
_TAKEN_BACK = frozenset({Outcome.UNDONE, Outcome.PARTLY_UNDONE})
_TOLD_APART = frozenset({Outcome.ABORTED, Outcome.UNKNOWN, Outcome.FAILED, Outcome.UNREACHABLE})


class TakeBack(Protocol):
    """Undoes what a run has done."""

    def __call__(self, request: RunRequest, env: RunEnvironment, *, hosts: Collection[str]) -> Result:
        """How the undo has ended on `hosts`."""


@dataclass(frozen=True, slots=True)
class RunCommands:
    """What can be done with another run: begin it, go on with it, or take it back on some hosts."""

    begin: Callable[[RunRequest, RunEnvironment], Result]
    go_on: Callable[[RunRequest, RunEnvironment], Result]
    take_back: TakeBack


def do_step(
    stepper: Stepper, env: RunEnvironment, deadline: Deadline, step: Step, hosts: Sequence[str], commands: RunCommands
) -> Child | None:
    """Have another runbook do `step` on `hosts`, in a new run or in the one that was interrupted; how that has ended.

    What the step came to on each host is recorded. None where the run that was interrupted had passed.

    Raises:
        DoubtError: something in that run is in doubt, of which nobody says what became of it.
        InvalidInputError: it cannot be run, or has changed since it was interrupted; nothing of it was done.
    """
    assert step.runs  # noqa: S101 - whoever asks has seen that
    earlier = _interrupted(stepper, env, step, hosts)
    if earlier and earlier.outcome in _WELL:
        _note_end(stepper, env, step, hosts, earlier, "")
        return None
    request = request_for(stepper, env, step.runs, hosts, run=earlier.run if earlier else "")
    request = replace(request, called=True, within=deadline.left(), reason=_reason(stepper))
    request = replace(request, still_approved=lambda: stepper.check_approval(step, hosts))
    if earlier:
        request = replace(_as_before(request, earlier), answers=stepper.plan.request.answers.inside(step.id))
    what = {"to": request.source.runbook.id, "as_run": request.run_id, "hosts": list(hosts)}
    stepper.recorder.note(EventType.RUN_CALLED, step.id, **what)
    for host in hosts:
        stepper.recorder.record_of(EventType.STEP_INTENDED, step.id, host, {"as_run": request.run_id})
    result = (commands.go_on if earlier else commands.begin)(request, env)
    stepper.recorder.redaction.learn(request.secrets.values())
    if result.in_doubt:
        raise DoubtError(f"{step.name}: {result.happened}", hint=result.hint)
    why = "" if result.outcome in _WELL else f"{what['to']} ended as {result.outcome}: {first_line(result.happened)}"
    _note_end(stepper, env, step, hosts, env.state.run(request.run_id).state, why.removesuffix(": "))
    return Child(request.source.runbook.id, hosts, result, called=True)


def _reason(stepper: Stepper) -> str:
    """Why the outer run is done, else that it is."""
    request = stepper.plan.request
    return request.reason or f"a step of {request.source.runbook.id}"


def _called(stepper: Stepper, step: str, hosts: Collection[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The records of the runs that were called for `step` on one of `hosts`, newest first, each with its number."""
    for number, record in reversed([*enumerate(stepper.recorder.records)]):
        if record.type == EventType.RUN_CALLED and record.step == step and {*hosts} & {*record.data["hosts"]}:
            yield number, record.data


def _interrupted(stepper: Stepper, env: RunEnvironment, step: Step, hosts: Sequence[str]) -> RunState | None:
    """The run that was called for `step` and has not done it yet; None where a new one must be begun."""
    number, data = next(_called(stepper, step.id, hosts), (0, {}))
    directory = env.state.directory(str(data.get("as_run", "-")))
    if not (data and directory.exists):
        return None
    done = [
        record
        for record in stepper.recorder.records[number:]
        if record.type == EventType.ACTION_FINISHED and record.step == step.id and record.host in hosts
    ]
    state = directory.state
    used = any(record.data["outcome"] == Outcome.PASSED for record in done)
    return None if used or not state.target or state.outcome in _TAKEN_BACK else state


def _as_before(request: RunRequest, state: RunState) -> RunRequest:
    """`request` for going on with the run that has the `state`.

    Raises:
        InvalidInputError: its runbook or its playbook has changed since.
    """
    if (request.source.sha256, request.playbook_sha256) != (state.sha256, state.playbook_sha256):
        hint = f"look at it, then runbook resume {state.run} --accept-changes, and then go on with this run"
        raise InvalidInputError(f"{state.runbook} has changed since its run {state.run} began", hint=hint)
    return replace(request, inputs=state.inputs, limit=state.limit)


def _note_end(
    stepper: Stepper, env: RunEnvironment, step: Step, hosts: Sequence[str], state: RunState, why: str
) -> None:
    """Record what a run has come to on each of `hosts`, after what it has captured for the step."""
    touched = {*hosts} if not why else _touched(stepper, env, step, hosts)
    for host in hosts:
        outcome = _outcome(state, host, well=not why)
        known = state.captured.get(host, {})
        if absent := [name for name in step.capture.values() if name not in known and outcome is Outcome.PASSED]:
            outcome, why = Outcome.FAILED, f"the run {state.run} has captured no {', '.join(absent)} on {host}"
        if outcome is Outcome.PASSED and step.capture:
            values = {name: known[wanted] for name, wanted in step.capture.items()}
            stepper.recorder.record_of(EventType.VALUES_CAPTURED, step.id, host, {"values": values})
        data: dict[str, Any] = {"part": "action", "outcome": outcome, "as_run": state.run}
        data |= ({"reason": why} if why else {}) | ({} if host in touched else {"untouched": True})
        if outcome is Outcome.PASSED:
            data.pop("reason", None)
        stepper.recorder.record_of(EventType.ACTION_FINISHED, step.id, host, data)


def _touched(stepper: Stepper, env: RunEnvironment, step: Step, hosts: Sequence[str]) -> set[str]:
    """The hosts on which a run that was called for `step` has begun a change, whatever became of it."""
    touched = set[str]()
    for _, data in _called(stepper, step.id, hosts):
        state = env.state.run(str(data["as_run"])).state
        runbook = stepper.plan.request.find(state.runbook)
        if runbook and state.target:
            plan = planned_undo(runbook, state, read(env.state.log_path, run=state.run))
            touched |= {host for each in plan.takes_back for host in each.hosts}
            touched |= {host for each in plan.stays for host in each.hosts}
        touched |= {host for name, on in state.steps.items() if undone_step(name) for host in on}
    return touched


def _outcome(state: RunState, host: str, *, well: bool) -> Outcome:
    """What a run has come to on `host`."""
    if well:
        return Outcome.PASSED
    found = {Outcome(steps[host]) for steps in state.steps.values() if host in steps}
    if found and found <= DONE:
        return Outcome.PASSED
    return worst_of(found & _TOLD_APART) or Outcome.FAILED


def take_back(stepper: Stepper, env: RunEnvironment, step: Step, hosts: Sequence[str], commands: RunCommands) -> None:
    """Take back on `hosts` what the runs have done that were called for `step`, newest first, and record it."""
    assert step.runs  # noqa: S101 - whoever asks has seen that
    name, standing, doubts = undo_id(step.id), set[str](), list[str]()
    runs = list(dict.fromkeys(str(data["as_run"]) for _, data in _called(stepper, step.id, hosts)))
    for host in hosts:
        stepper.recorder.record_of(EventType.STEP_INTENDED, name, host, {"as_run": ", ".join(runs)})
    for run in runs:
        directory = env.state.directory(run)
        if directory.exists and directory.state.target:
            left_on, why = _taken_back(stepper, env, step, directory.state, hosts, commands)
            standing, doubts = standing | {*left_on}, doubts + [why] * bool(why)
    reason = ": ".join([f"not all of {step.runs.run} is taken back", *doubts[:1]])
    for host in hosts:
        stepper.recorder.record_action(name, host, reason if host in standing else "")


def _taken_back(
    stepper: Stepper,
    env: RunEnvironment,
    step: Step,
    state: RunState,
    hosts: Sequence[str],
    commands: RunCommands,
) -> tuple[Collection[str], str]:
    """The hosts on which something stands, once the run with the `state` was taken back; what in it is in doubt."""
    assert step.runs  # noqa: S101 - whoever asks has seen that
    request = replace(request_for(stepper, env, step.runs, hosts, run=state.run), called=True)
    answers = stepper.plan.request.answers.inside(step.id)
    request = replace(request, inputs=state.inputs, limit=state.limit, answers=answers)
    result = commands.take_back(request, env, hosts=hosts)
    left = plan_undo(request, env.state)
    standing = [*(item.hosts for item in left.takes_back), *(item.hosts for item in left.stays)]
    left_on = {host for on in standing for host in on} & {*hosts}
    for debt in env.state.owed_undos.of(hosts):  # whoever died after the last proof has left what is paid by now
        if debt.run == state.run and debt.host not in left_on:
            env.state.owed_undos.remove(debt.host, debt.runbook, debt.step)
    return left_on, f"{result.happened}; {result.hint}" if result.in_doubt else ""
