"""The whole flow on one page: planned, admitted, asked about, executed, recorded, and if it fails someone is called."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from runner.compiler.batches import Batch, fewest_batches, turns
from runner.compiler.segments import ControllerStep, Gate, Segment, cut
from runner.core.events import EventType
from runner.core.step_tags import step_tag
from runner.executor.job import JobPart
from runner.executor.ledger_entry import machine_parts
from runner.model.step import Step
from runner.orchestrator.continuation import called_run, handover, resumption, undo_doubts
from runner.orchestrator.continuation.undo_plan import UndoPlan, nothing_to_undo, undo
from runner.orchestrator.dry_run import dry_run, preflight
from runner.orchestrator.due_items import in_order
from runner.orchestrator.end.finish import RunFinish
from runner.orchestrator.request import Result, RunRequest
from runner.orchestrator.rollback.rollback_offer import RollbackOffer
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.run_plan import RunPlan
from runner.orchestrator.start.first_record import described, first_state
from runner.orchestrator.start.run_start import RunStart, held
from runner.orchestrator.stepper import Stepper, settings_of
from runner.store.log.log_reader import read


def run(request: RunRequest, env: RunEnvironment) -> Result:
    """Do the runbook that `request` names, and what takes over when it hands over.

    Raises:
        RunbookError: it was refused before it had begun, and nothing of it is recorded. Whatever is raised after that
            is in the result.
    """
    request = request.masked()
    handover.check(request)
    with env.open_log() as log:
        directory = env.state.begin(first_state(request, env))
        with ExitStack() as not_begun:
            not_begun.callback(directory.discard)
            with held(directory, request, env, log) as start:
                begun = _Run(start)
                not_begun.pop_all()  # from here on it ends by itself
                keep = lambda: directory.keep(request.source.definition, request.playbook)  # noqa: E731
                return begun.do(EventType.RUN_STARTED, prepare=keep)


def resume(request: RunRequest, env: RunEnvironment) -> Result:
    """Go on with the run of that id where it stopped; its `answers` say what became of steps that are in doubt.

    Raises:
        RunbookError: as `run`.
    """
    with _interrupted(request.masked(), env) as (start, plan):

        def reopen() -> None:
            admitted = start.admit_again(plan)
            start.show_owed_undos(admitted.plan)
            start.note_going_on()
            resumption.reopen(admitted.stepper, admitted.gate)

        return _Run(start).do(EventType.RUN_RESUMED, first=reopen)


def undo_all(
    request: RunRequest,
    env: RunEnvironment,
    *,
    expected: UndoPlan | None = None,
    hosts: Collection[str] | None = None,
) -> Result:
    """Undo what the run of that id has done, newest first, on exactly the hosts on which it was begun, or on `hosts`.

    `expected` is what somebody has agreed to, if it was shown to them. Where nothing is to be taken back, or nothing
    can be, nothing is done, and the run keeps its outcome.

    Raises:
        RunbookError: as `run`.
    """
    request = request.masked()
    planned = resumption.plan_undo(request, env.state)
    if not planned.takes_back:
        return nothing_to_undo(env.state, request.run_id, planned)
    with _interrupted(request, env) as (start, plan):

        def agreed() -> None:
            undo_doubts.check_agreed(start.recorder.ledger, plan, expected)
            admitted = start.admit_again(plan, undo=True)
            undo_doubts.settle_undo(admitted.stepper, admitted.gate)

        return _Run(start).undo(agreed, hosts)


@contextmanager
def _interrupted(request: RunRequest, env: RunEnvironment) -> Iterator[tuple[RunStart, RunPlan]]:
    """A run that was begun before, and its plan, brought to where it has stopped."""
    with env.open_log() as log:
        directory = env.state.run(request.run_id).hold_again()
        with held(directory, request, env, log) as start:
            records = read(log.path, run=request.run_id)
            plan = resumption.restore(request, directory.state, start.recorder, records)
            start.follow(plan)
            yield start, plan


class _Run:
    """One run in progress: what comes after what, and what follows when it is not as it must be."""

    def __init__(self, start: RunStart) -> None:
        self.start, self.env, self.recorder, self.invoker = start, start.env, start.recorder, start.invoker
        self.runbook, self.mode = start.request.source.runbook, start.request.mode
        self.end = RunFinish(start)
        self.rollback = RollbackOffer(start, start.env, run, self.end.took_over)
        self.before = start.directory.state

    def do(
        self, begins: EventType, *, prepare: Callable[[], None] = lambda: None, first: Callable[[], None] | None = None
    ) -> Result:
        """The run, from its first record to its last; where `first` is refused, the run stays as it was."""
        note = self.recorder.note
        self.end.attempt(prepare, lambda: note(begins, **described(self.start.request, self.env)))
        if first and not self.end.error:
            self.end.attempt(first)
            if self.end.error:
                return self.end.refuse(self.before)
        if not self.end.error:
            self.end.attempt(self._act)
        self.end.attempt(self.recorder.close)
        self.end.attempt(self._hand_over)
        return self.end.conclude()

    def undo(self, agreed: Callable[[], None], hosts: Collection[str] | None = None) -> Result:
        """Undo everything, on all hosts or on those in `hosts`; where `agreed` is refused, the run stays as it was."""
        note = self.recorder.note
        self.end.attempt(
            lambda: note(EventType.RUN_RESUMED, take_back=True, **described(self.start.request, self.env)), agreed
        )
        if self.end.error:
            return self.end.refuse(self.before)
        self.end.attempt(self.start.note_going_on, lambda: self._undo(hosts))
        return self.end.conclude(undoing=True)

    def _act(self) -> None:
        """What is to be done, while somebody is called if it takes too long; and what a cancellation asks for."""
        self.start.lease.update()
        with self.start.pager.patience(), self.start.announcer.running(), self.rollback.running():
            self.end.attempt(self._acts())
            if self.invoker.cancelled:
                self.end.attempt(self._cancel)

    def _acts(self) -> Callable[[], None]:
        looks = {"dry-run": dry_run, "preflight": preflight}.get(self.mode)
        return (lambda: self.rollback.look(looks, self.start.plan().stepper)) if looks else self._procedure

    def _procedure(self) -> None:
        """Batch by batch, gate by gate, segment by segment, until the end or until something is not as it must be."""
        self.start.get_ready()
        for batch in self._batches():
            for item in cut(batch.steps, stepwise=self.mode == "step"):
                if self.invoker.cancelled:
                    return
                if not self._goes_on(item, batch):
                    return
                self.rollback.settle()
        self.rollback.settle(last=True)

    def _goes_on(self, item: Gate | Segment | ControllerStep, batch: Batch) -> bool:
        """Whether the run goes on after `item`, which is done now."""
        if isinstance(item, Gate):
            return self._ask(item, batch)
        return self._do_it(item.step, batch) if isinstance(item, ControllerStep) else self._execute(item, batch)

    def _do_it(self, step: Step, batch: Batch) -> bool:
        """Whether the run goes on after runbookctl itself has done `step`, where that is still to be done."""
        stepper = self.start.plan().stepper
        hosts = stepper.due(step, {"action"}, batch)
        if hosts:
            stepper.check_approval(step, hosts)
        if hosts and step.announces:
            self.start.announcer.do_step(stepper, step, hosts)
        elif hosts and (child := called_run.do_step(stepper, self.env, self.start.deadline, step, hosts, _COMMANDS)):
            self.end.took_over(child)
            self.start.deadline.left()
        ended = self._ended_by(step, [host for host in hosts if stepper.ledger.entries[step.id, host].outcome])
        return not (ended or self.invoker.cancelled)

    def _ended_by(self, step: Step, failed: Sequence[str]) -> bool:
        """Whether the run goes no further because `step` has failed on the hosts `failed`, if there are any."""
        part = Batch((step,), tuple(failed))
        return bool(failed) and self._must_stop(self.start.plan().stepper, part, Segment((step,)))

    def _batches(self) -> Iterator[Batch]:
        """Who is worked on when; without batches the first segment itself finds out who the hosts are."""
        if self.runbook.serial or isinstance(self.runbook.max_failures, str) or self.runbook.delegates:
            self.start.plan()
        if self.start.admitted_run:
            yield from self.start.admitted_run.plan.batches()
        else:
            yield Batch(self.runbook.procedure, ())

    def _ask(self, gate: Gate, batch: Batch) -> bool:
        """Whether the run goes on after the question, which is only asked where its step is still to be done."""
        admitted = self.start.plan(render=[gate.step.id])
        asks_about = {gate.part} if gate.kind in {"manual", "confirm"} else machine_parts(gate.step) | {"action"}
        hosts = admitted.stepper.due(gate.step, asks_about, batch)
        failed = admitted.gate.fail_unknown(gate, hosts) if hosts else []
        if self._ended_by(gate.step, failed):
            return False
        asked = [host for host in hosts if host not in failed]
        if not asked:
            return True
        answer = admitted.gate.ask(gate, asked)
        if answer.instead == "undo":
            self._undo()
        return answer.yes or answer.instead == "skip"

    def _execute(self, segment: Segment, batch: Batch) -> bool:
        """Whether the run goes on after the segment, which is done on each host from where that host stands."""
        if self.start.admitted_run is None:
            return self._execute_first(segment)
        stepper = self.start.admitted_run.stepper

        def on(step: Step) -> Sequence[str]:
            return stepper.due(step, {segment.what} if step is segment.decides else machine_parts(step), batch)

        for part in in_order(stepper.ledger, fewest_batches(segment.steps, on=on, of=stepper.plan.hosts_of)):
            render = segment.asked_next(part.steps[-1], self.runbook.procedure)
            done = stepper.execute(segment.tags(part.steps), part.hosts, render=render, may_halt=True)
            if not (done or self.invoker.cancelled):  # a rollback trigger has fired
                self.rollback.settle()
                return self._execute(segment, batch)
            if self.invoker.cancelled or self._must_stop(stepper, part, segment):
                return False
        return True

    def _execute_first(self, segment: Segment) -> bool:
        """The same of the first segment, whose invocation also says who the hosts are: the run is admitted meanwhile.

        Where a person is to be asked for that, the invocation is ended and begun again: nothing runs while they think.
        """
        tags = segment.tags(segment.steps)
        self.invoker.begin(tags)
        settings, left = settings_of(self.runbook, self.recorder.ledger), self.start.deadline.left()
        render = segment.asked_next(segment.steps[-1], self.runbook.procedure)
        part = JobPart(tags, settings=settings, deadline=left, render_next=render)
        done = self.invoker.execute(part, check=self.start.admit_unless_asking, may_halt=True)
        if not (done or self.invoker.halt.halted):
            done = self.invoker.execute(part, check=self.start.plan().stepper.check, may_halt=True)
        if self.start.admitted_run is None or self.invoker.cancelled:
            return False
        if not done:
            self.rollback.settle()
            return self._execute(segment, Batch(self.runbook.procedure, ()))
        return not self._must_stop(self.start.admitted_run.stepper, Batch(segment.steps, ()), segment)

    def _must_stop(self, stepper: Stepper, part: Batch, segment: Segment) -> bool:
        """What the policy of a step says when it did not pass on a host, and more hosts are lost than may be."""
        broken = stepper.ledger.broken(part.steps, part.hosts or None, decides=segment.decides, what=segment.what)
        broken = [(step, host) for step, host in broken if step.on_failure != "continue"]
        too_many = len(stepper.gone) > stepper.plan.may_fail
        to_undo = [host for step, host in broken if step.on_failure == "undo"]
        if to_undo and not self.invoker.cancelled:
            self._undo(None if too_many else to_undo)
        return bool(broken) and too_many

    def _undo(self, hosts: Collection[str] | None = None) -> None:
        """Undo what was done, on all hosts or on those in `hosts`."""
        stepper = self.start.plan().stepper
        self.end.undone_on |= set(stepper.plan.names if hosts is None else hosts)
        by_run = lambda step, on: called_run.take_back(stepper, self.env, step, on, _COMMANDS)  # noqa: E731
        undo(stepper, self.env, hosts, by_run=by_run)

    def _cancel(self) -> None:
        """What the runbook wants to be done when somebody stops it, on the hosts on which it was begun."""
        cancellation = self.env.cancellation
        self.recorder.note(EventType.RUN_CANCELLED, why=cancellation.requests[-1])
        cancellation.answered = len(cancellation.requests)
        begun = {host for (_, host), entry in self.recorder.ledger.entries.items() if entry.intended}
        if self.start.admitted_run is None:
            return
        stepper = self.start.admitted_run.stepper
        for step in self.runbook.on_cancel:
            stepper.ledger.expect_step(step, hosts := [host for host in stepper.plan.hosts_of(step) if host in begun])
            for turn in filter(None, turns(step, hosts)):
                stepper.execute([step_tag(step.id)], turn)

    def _hand_over(self) -> None:
        """Let other runbooks take over where a step wants that; who stops one of them stops this run as well."""
        if self.invoker.cancelled or self.start.admitted_run is None:
            return
        stepper = self.start.admitted_run.stepper
        self.end.attempt(lambda: handover.hand_over(stepper, self.env, self.start.deadline, run, self.end.took_over))
        if self.invoker.cancelled:
            self.end.attempt(self._cancel)
        self.end.attempt(self.recorder.close)


_COMMANDS = called_run.RunCommands(run, resume, undo_all)
