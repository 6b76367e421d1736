"""The start of a run: from its request to its plan, which exists once its hosts are known and it is admitted."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Literal

from runner.compiler.segments import after, before
from runner.core.deferred import dataclass
from runner.core.errors import DeniedError
from runner.core.events import EventType
from runner.executor.job import Message
from runner.executor.target import Target, check_hosts
from runner.lint.rules.gaps import needed_variables
from runner.model.run_policy import RunPolicy
from runner.model.runbook import Runbook
from runner.orchestrator.continuation.accepted_changes import note_going_on
from runner.orchestrator.deadline import Deadline
from runner.orchestrator.end.announcements import RunAnnouncer
from runner.orchestrator.end.dead_man import RunLease
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.gate.approval_gate import ApprovalGate
from runner.orchestrator.gate.granted_approvals import Approvals
from runner.orchestrator.invoker import Invoker
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.run_plan import RunPlan
from runner.orchestrator.start import admission
from runner.orchestrator.start.run_locks import RunLocks
from runner.orchestrator.stepper import Stepper
from runner.store.log.audit_log import AuditLog
from runner.store.run_state import RunDirectory


@dataclass(frozen=True)
class AdmittedRun:
    """What there is only once the run has a plan: who does its steps, and who puts its questions."""

    plan: RunPlan
    stepper: Stepper
    gate: ApprovalGate


class RunStart:
    """A run that has begun; `admitted_run` is None until it has a plan.

    `request` is what is asked of it: without the secrets of the inventory, and with the environment that somebody has
    named, as soon as these are known.
    """

    def __init__(self, request: RunRequest, env: RunEnvironment, log: AuditLog, directory: RunDirectory) -> None:
        self.request, self.directory = request, directory
        self.recorder = Recorder(request.run_id, log, directory, env.clock, listeners=env.listeners)
        self.recorder.learn((*request.hidden, *request.secrets.values()))
        self.env = env = replace(env, secrets=self.recorder.learning(env.secrets))
        self.pager = Pager(request, env, self.recorder)
        self.announcer = RunAnnouncer(request, env, self.recorder, self.pager)
        self.lease = RunLease(request, env, self.pager)
        self.locks = RunLocks(request, env, self.recorder, directory)
        after = request.source.runbook.deadline
        self.deadline = Deadline(after, env.clock, run=request.run_id, within=request.within)
        self.invoker = Invoker(request, env, self.recorder, directory, self.locks, self.deadline)
        self.admitted_run: AdmittedRun | None = None

    def get_ready(self) -> None:
        """Do what can be done of the decision whether the run is admitted, as Ansible is being imported elsewhere."""
        admission.look_ahead(self.request, self.env.clock().wall.date())

    def plan(self, *, render: Sequence[str] = ()) -> AdmittedRun:
        """The plan; without one the hosts are looked up, and what the steps in `render` would do, and it is admitted.

        Raises:
            DeniedError: a guard is not met, or a run that asks nobody has a question for a person.
            LockedError: another run has one of the hosts.
            UnreachableError: a host is missing, or more hosts than the runbook allows cannot be worked on.
        """
        return self.admitted_run or self._admit(self._target(self.invoker.resolve(render)))

    def admit_unless_asking(self, message: Message) -> Literal[False] | None:
        """Admit the run while Ansible, which has just named the hosts, waits; False if a person is to be asked first.

        Raises:
            RunbookError: as `plan`.
        """
        target = self._target(message)
        if admission.asks_person(self.request, target):
            return False
        self._admit(target)
        return None

    def _target(self, message: Message) -> Target:
        request = self.request = self.request.masked(self.recorder.redaction)
        target = Target.from_message(message)
        check_hosts(request.source.runbook, request.inputs, message.get("names") or ())
        within, source = (request.limit or "") if request.parent else "", request.source
        target.check(source.runbook, within=within, place_of=source.place_of)
        target.check_others(request.source.runbook, request.find)
        target.check_variables(request.source.runbook, needed_variables(request.source))
        self.pager.target = target
        if request.mode == "auto":
            check_unattended(request.source.runbook, target)
        return target

    def _admit(self, target: Target) -> AdmittedRun:
        """Let the run begin against `target`, or refuse it; what was required and given is recorded either way."""
        self.recorder.note(EventType.TARGET_RESOLVED, environment=target.environment, hosts=list(target.names))
        policy = RunPolicy()
        if self.request.mode != "dry-run":
            self.request, policy = admission.check_guards(self.request, target, self.env, self.recorder)
            self.pager.glass_broken(policy.break_glass)
        self.locks.take(target)
        unreachable = admission.check_reachable(self.request, target, self.env, self.recorder)
        plan = RunPlan(self.request, target, policy, unreachable)
        plan.expect_in(self.recorder.ledger)
        admitted = self.follow(plan)
        self.directory.update(
            environment=target.environment,
            target=target.hosts,
            environments=target.environments,
            machines=target.machines,
            delegates=target.delegates,
            inputs=dict(self.request.inputs),
            reason=self.request.reason,
            break_glass=self.request.break_glass,
        )
        self.show_owed_undos(plan)
        return admitted

    def admit_again(self, plan: RunPlan, *, undo: bool = False) -> AdmittedRun:
        """Let a run be resumed, or undone, by its `plan`: the environment is named anew, the reason stands.

        To undo it, no policy of the inventory and no host that does not answer stands in the way.

        Raises:
            RunbookError: as `plan`, or the inventory has other hosts by now.
        """
        self.locks.take(plan.target)
        if self.request.mode == "auto" and not undo:
            check_unattended(plan.runbook, plan.target)
        now = Target.from_message(self.invoker.resolve())
        recorded = self.request.inputs if undo else self.directory.state.inputs
        self.request = self.request.masked(self.recorder.redaction, recorded)
        plan.check_same_hosts(now)
        plan.check_all_hosts(now)
        self.request, policy = admission.check_guards(self.request, now, self.env, self.recorder, undo=undo)
        self.pager.glass_broken(policy.break_glass)
        unreachable = admission.check_reachable(self.request, now, self.env, self.recorder, refuse=not undo)
        return self.follow(replace(plan, request=self.request, policy=policy, unreachable=unreachable))

    def note_going_on(self) -> None:
        """Save that whoever runs this goes on with the run, by the text that it is done by from now on."""
        note_going_on(self.request, self.directory, self.recorder, self.env.actor.person)

    def follow(self, plan: RunPlan) -> AdmittedRun:
        """From now on the run is done by `plan`."""
        approvals = Approvals(plan, self.env, self.recorder, self.directory, self.invoker.previews)
        stepper = Stepper(plan, self.invoker, approvals, self.deadline)
        declare = self.pager.declare
        gate = ApprovalGate(stepper, self.env, self.directory, self.locks, self.deadline, declare=declare)
        self.admitted_run = AdmittedRun(plan, stepper, gate)
        self.pager.target = plan.target
        self.lease.update()
        return self.admitted_run

    def show_owed_undos(self, plan: RunPlan) -> None:
        """Record what an earlier run has begun on the hosts of this one, and should have been undone."""
        for debt in self.env.state.owed_undos.of(plan.names):
            if debt.armed and debt.run == self.request.run_id:  # what the drill that this run is for has broken
                continue
            data = {"runbook": debt.runbook, "run": debt.run, "since": debt.since}
            self.recorder.record_of(EventType.DEBT_FOUND, debt.step, debt.host, data)


@contextmanager
def held(directory: RunDirectory, request: RunRequest, env: RunEnvironment, log: AuditLog) -> Iterator[RunStart]:
    """The start of a run that this command holds; in the end its locks, its lease and its directory are given back."""
    with ExitStack() as stack:
        stack.callback(directory.release)
        start = RunStart(request, env, log, directory)
        stack.callback(start.locks.release)
        stack.enter_context(start.lease.held())
        stack.enter_context(start.invoker.session())
        yield start


_VOUCHES = frozenset({"manual", "confirm"})
"""What only a person can know, in any environment; an approval is for a person in production."""


def check_unattended(runbook: Runbook, target: Target) -> None:
    """That `runbook` may run against `target` without asking anybody.

    Raises:
        DeniedError: it may not; the message names every question that is for a person.
    """
    kinds = _VOUCHES | ({"approve", "choose"} if target.environment == "production" else set())
    gates = [gate for step in runbook.procedure if not step.auto for gate in (*before(step), *after(step))]
    if asked := [gate for gate in gates if gate.kind in kinds]:
        questions = "; ".join(f"{gate.step.id} ({gate.kind}: {gate.text.splitlines()[0]})" for gate in asked)
        raise DeniedError(
            f"--auto asks nobody, and in {target.environment} these questions are for a person: {questions}",
            hint="leave --auto out, or write `auto: true` in the steps that a machine may answer for",
        )
