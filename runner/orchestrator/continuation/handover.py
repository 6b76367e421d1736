"""Handing over: another runbook takes over where a step did not pass, in the same tree of runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from runner.compiler.committed_playbook import reviewed
from runner.core.errors import HandOverError, InvalidInputError
from runner.core.events import EventType, Outcome
from runner.core.secrets import SecretReference
from runner.core.wording import first_line, listed
from runner.executor.job import NOTHING, JobPart
from runner.executor.target import Target
from runner.kinds.values import OtherRunbook
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.handover_inputs import wrong_inputs
from runner.model.procedure import called_runbooks
from runner.model.runbook import Runbook
from runner.model.step import Effect, HandOver, Step
from runner.orchestrator.continuation.other_runbook import known_value, library_of, request_to
from runner.orchestrator.deadline import Deadline
from runner.orchestrator.recheck import verify_again
from runner.orchestrator.request import Child, Result, RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.stepper import Stepper


def check(request: RunRequest) -> None:
    """That every runbook which may work for a step is there, reviewed, and given inputs that it takes, before that.

    Raises:
        InvalidInputError: one is not, or leads back here; what is only captured on the way is not known yet.
    """
    _check(request, request.source.runbook, request.inputs)


def _check(request: RunRequest, runbook: Runbook, inputs: Mapping[str, Any]) -> None:
    for trigger in runbook.watch:
        library = library_of(request, trigger.to)
        source = library.usable(trigger.to.run)
        reviewed(library, source)
        if wrong := [str(each) for each in wrong_inputs(runbook, trigger.to, source.runbook, inputs)]:
            raise InvalidInputError(f"{source.runbook.id} could not roll back for {trigger.id}: {'; '.join(wrong)}")
    for step in runbook.procedure:
        for key, other in step.others.items():
            library = library_of(request, other)
            source = library.usable(other.run)
            reviewed(library, source)
            wrong = [str(each) for each in wrong_inputs(runbook, other, source.runbook, inputs)]
            wrong += [message for _, message in called_runbooks.faults(runbook, step, partial(_runbook, library))]
            if wrong:
                does = f"be run for {step.id}" if key == "run" else f"take over from {step.id}"
                raise InvalidInputError(f"{source.runbook.id} could not {does}: {'; '.join(wrong)}")
            if key == "run":
                _check(request, source.runbook, {})


def _runbook(library: Library, name: str) -> Runbook:
    return library.usable(name).runbook


def hand_over(
    stepper: Stepper,
    env: RunEnvironment,
    deadline: Deadline,
    do: Callable[[RunRequest, RunEnvironment], Result],
    ended: Callable[[Child], None],
) -> None:
    """Let other runbooks take over where a step did not pass, each by `do`, and look at that step again afterwards.

    `ended` hears of each that has come to its end. Locks are still held meanwhile, and nothing else goes on.

    Raises:
        InvalidInputError: one cannot take over; nothing of it was done.
        HandOverError: one did not pass, or the step does not hold in spite of it; no other takes over after that.
    """
    for step in stepper.plan.runbook.procedure:
        hosts = stepper.ledger.failed_on(step.id)
        if isinstance(step.on_failure, HandOver) and hosts and not stepper.cancelled:
            request = taking_over(stepper, env, step.on_failure, hosts)
            what = {"to": request.source.runbook.id, "as_run": request.run_id, "hosts": hosts}
            stepper.recorder.note(EventType.RUN_HANDED_OVER, step.id, **what)
            with deadline.standstill():
                child = Child(request.source.runbook.id, hosts, do(request, env))
            stepper.recorder.learn(request.secrets.values())
            ended(child)
            if not (stepper.cancelled or stepper.plan.request.looks):
                _check_mended(stepper, step, child)


def _check_mended(stepper: Stepper, step: Step, child: Child) -> None:
    where, result = listed(child.hosts), child.result
    if result.outcome not in {Outcome.PASSED, Outcome.HANDED_OVER}:
        why = f": {first_line(result.happened)}" if result.happened else ""
        raise HandOverError(
            f"{child.runbook} took over for {where} and ended as {result.outcome}{why}",
            hint=f"runbook show {result.run_id} shows what happened in it",
        )
    if step.effect is not Effect.READ and not step.repeated:
        raise HandOverError(
            f"{child.runbook} passed, and nobody knows whether the step {step.name!r} holds on {where} by now: "
            "none of its verifications looks for itself",
            hint=f"give {step.id} in {stepper.plan.runbook.id} a verification with a command of its own",
        )
    if still := verify_again(stepper, step, child.hosts):
        why = first_line(stepper.ledger.entries[step.id, still[0]].reason)
        message = f"{child.runbook} passed, and the step {step.name!r} still does not hold on {listed(still)}"
        raise HandOverError(f"{message}: {why}" if why else message)


def request_for(
    stepper: Stepper, env: RunEnvironment, to: OtherRunbook, hosts: Sequence[str], *, run: str = ""
) -> RunRequest:
    """What is asked of another runbook that works for a step: to do so on `hosts` alone, in the run of the id `run`.

    Raises:
        InvalidInputError: it cannot be done; nothing of it was.
    """
    request = stepper.plan.request
    source = library_of(request, to).source(to.run)
    if to.run in _line(stepper, env):
        raise InvalidInputError(f"{to.run} cannot take over: it has handed over before in this chain of runs")
    references, captured = to.references(), stepper.recorder.captured
    try:
        values = {name: known_value(request, captured, references.get(name), each) for name, each in to.inputs.items()}
        inputs = source.runbook.complete(values)
        secrets = {
            name: _secret(stepper, env, source, to, name, inputs[name]) for name in sorted(source.runbook.secrets)
        }
    except ValueError as error:
        raise InvalidInputError(f"{to.run} cannot take over: {error}") from None
    return request_to(request, source, hosts, inputs, run=run or env.new_run_id(), secrets=secrets).masked()


def taking_over(stepper: Stepper, env: RunEnvironment, to: OtherRunbook, hosts: Sequence[str]) -> RunRequest:
    """The same of one that takes over from `hosts`, and on all hosts of its steps that are for none of these.

    No step is done besides on a host that did not fail, where it is for one that did. It never leaves what somebody
    has named with --limit.

    Raises:
        InvalidInputError: as `request_for`.
    """
    request = request_for(stepper, env, to, hosts)
    job = replace(request, limit=request.named).job(env.environ, stepper.recorder.learn)
    groups = Target.from_message(env.executor.resolve(job, JobPart(NOTHING.tags))).hosts.values()
    near = {host for group in groups if {*group} & {*hosts} for host in group}
    apart = [host for group in groups if not {*group} & {*hosts} for host in group if host not in near]
    own = [host for host in hosts if host in near]
    return replace(request, limit=",".join(dict.fromkeys([*own, *apart]))) if apart else request


def _line(stepper: Stepper, env: RunEnvironment) -> Iterator[str]:
    """The runbooks that have handed over to each other up to this run, which is the first of them."""
    state = env.state.run(stepper.plan.request.run_id).state
    yield state.runbook
    while state.parent:
        state = env.state.run(state.parent).state
        yield state.runbook


def _secret(stepper: Stepper, env: RunEnvironment, source: Source, to: OtherRunbook, name: str, where: str) -> str:
    """The secret `name` of the runbook that takes over: one that is known here, or what is where `where` says."""
    reference_name = to.references().get(name, "")
    if reference_name in stepper.plan.request.secrets:
        return stepper.plan.request.secrets[reference_name]
    written_in = stepper.plan.request.source if name in to.inputs else source
    reference = SecretReference.parse(where).absolute(written_in.path.parent.absolute())
    try:
        return source.runbook.inputs[name].check_secret(env.secrets(str(reference)))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
