"""The whole flow on one page: aimed, asked about, executed, recorded, and if it fails someone is called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from runner.compiler.batches import Batch, batches, fewest_batches
from runner.compiler.segments import Gate, Segment, cut
from runner.core.errors import DeniedError, ExitCode, explain
from runner.core.events import EventType, Outcome
from runner.core.step_tags import step_tag
from runner.executor.host_ledger import machine_parts
from runner.executor.target import Target
from runner.model.step import Step
from runner.orchestrator.continuation import handover, resumption
from runner.orchestrator.continuation.undo_plan import Standing, UndoPlan, undo_plan
from runner.orchestrator.continuation.undo_steps import undo
from runner.orchestrator.dry_run import dry_run, preflight
from runner.orchestrator.end.finish import Ending
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.gate.approval_gate import ask
from runner.orchestrator.request import Request, Result
from runner.orchestrator.run_context import Control
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.start import admission
from runner.orchestrator.start.first_record import described, first_state
from runner.store.log.audit_log import NAME, AuditLog, NoLog
from runner.store.log.log_reader import read
from runner.store.run_state import RunDirectory
from runner.store.state_directory import StateDirectory


def run(request: Request, env: RunEnvironment) -> Result:
    """Do the runbook that `request` names, and what takes over when it hands over.

    Raises:
        RunbookError: it was refused before it had begun, and nothing of it is recorded. Whatever is raised after that
            is in the result.
    """
    request = request.masked()
    handover.check(request)
    with _log(env) as log:
        directory = env.state.begin(first_state(request, env))
        with ExitStack() as stillborn:
            stillborn.callback(directory.discard)
            with _held(directory, request, env, log) as control:
                story = _Run(control)
                stillborn.pop_all()  # from here on it ends by itself
                keep = lambda: directory.keep(request.source.text, request.playbook)  # noqa: E731
                return story.do(EventType.RUN_STARTED, prepare=keep)


def resume(request: Request, env: RunEnvironment, *, done: Collection[str] = (), redo: Collection[str] = ()) -> Result:
    """Go on with the run of that id where it stopped; `done` and `redo` say what became of steps that are in doubt.

    Raises:
        RunbookError: as `run`.
    """
    with _again(request.masked(), env) as control:

        def reopen() -> None:
            admission.again(control)
            control.show_debts()
            _begin_again(control)
            resumption.reopen(control, done=done, redo=redo)

        return _Run(control).do(EventType.RUN_RESUMED, first=reopen)


def plan_undo(request: Request, directory: StateDirectory) -> UndoPlan:
    """What `take_back` would do now; nothing is done, and nothing is recorded."""
    state = directory.run(request.run_id).state
    records = read(directory.audit / NAME, run=request.run_id) if state.target else ()
    return resumption.planned_undo(request.source.runbook, state, records)


def take_back(request: Request, env: RunEnvironment, *, expected: UndoPlan | None = None) -> Result:
    """Undo what the run of that id has done, newest first, on exactly the hosts on which it was begun.

    `expected` is what somebody has agreed to, if it was shown to them. Where nothing is to be taken back, or nothing
    can be, nothing is done, and the run keeps its outcome.

    Raises:
        RunbookError: as `run`.
    """
    request = request.masked()
    planned = plan_undo(request, env.state)
    if not planned.takes_back:
        return _nothing_to_undo(request, env, planned.stays)
    with _again(request, env) as control:

        def agreed() -> None:
            if expected not in {None, undo_plan(control.runbook, control.ledger)}:
                message = "the run has continued since its undo was shown: something else is to be undone"
                raise DeniedError(message, hint=f"runbook undo {request.run_id} shows it")
            admission.again(control, undo=True)

        return _Run(control).undo(agreed)


def _log(env: RunEnvironment) -> AuditLog:
    """The log; where it cannot be opened, one that tells whoever records, so that the run ends as every other."""
    try:
        return env.state.open_log(clock=env.clock, actor=env.actor)
    except Exception as error:  # noqa: BLE001 - it is raised again by the first record
        return NoLog(env.state.audit / NAME, explain(error))


def _nothing_to_undo(request: Request, env: RunEnvironment, stays: Sequence[Standing]) -> Result:
    directory = env.state.run(request.run_id)
    state = directory.state
    why = "it only looked" if state.looks else "it has changed nothing that is not undone"
    why = "nothing undoes what it has changed" if stays else why
    return Result(
        state.run,
        Outcome(state.outcome or Outcome.UNKNOWN),
        ExitCode.PARTLY_UNDONE if stays else ExitCode.DONE,
        directory.path / "report.html",
        env.state.audit / NAME,
        tuple(map(str, stays)),
        hint=f"nothing to undo in the run {state.run} of {state.runbook}: {why}",
    )


@contextmanager
def _held(directory: RunDirectory, request: Request, env: RunEnvironment, log: AuditLog) -> Iterator[Control]:
    with ExitStack() as held:
        held.callback(directory.release)
        control = Control(request, env, log, directory)
        held.callback(control.locks.release)
        yield control


@contextmanager
def _again(request: Request, env: RunEnvironment) -> Iterator[Control]:
    with _log(env) as log:
        directory = env.state.run(request.run_id).hold()
        directory.forget_cancellation()
        with _held(directory, request, env, log) as control:
            resumption.restore(control, read(control.recorder.log.path, run=request.run_id))
            yield control


def _begin_again(control: Control) -> None:
    """Say in the state of the run that it goes on; whoever is refused before leaves it as it was."""
    request, directory = control.request, control.directory
    state = directory.state
    resumption.accept_changes(control, state.sha256, state.playbook_sha256)
    directory.keep(request.source.text, request.playbook)
    directory.update(status="running", mode=request.mode)
    directory.update(sha256=request.source.sha256, playbook_sha256=request.playbook_sha256)
    directory.update(inputs=dict(request.inputs), reason=request.reason, break_glass=request.break_glass)


class _Run:
    """One run in progress, as a story: what comes after what, and what follows when it is not as it must be."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.runbook, self.request = control.runbook, control.request
        self.pager = Pager(control.request, control.env, control.recorder)
        control.on_target = self._aimed
        self.pager.target = control.target
        self.end = Ending(control, self.pager)
        self.before = self.control.directory.state

    def do(
        self, begins: EventType, *, prepare: Callable[[], None] = lambda: None, first: Callable[[], None] | None = None
    ) -> Result:
        """The run, from its first record to its last; where `first` is refused, the run stays as it was."""
        note = self.control.recorder.note
        self.end.attempt(prepare, lambda: note(begins, **described(self.request, self.control.env)))
        if first and not self.end.error:
            self.end.attempt(first)
            if self.end.error:
                return self.end.refuse(self.before)
        if not self.end.error:
            self.end.attempt(self._act)
        self.end.attempt(self.control.recorder.close)
        self.end.attempt(self._hand_over)
        return self.end.conclude()

    def undo(self, agreed: Callable[[], None]) -> Result:
        """Take everything back, as a story of its own; where `agreed` is refused, the run stays as it was."""
        note = self.control.recorder.note
        self.end.attempt(
            lambda: note(EventType.RUN_RESUMED, take_back=True, **described(self.request, self.control.env)),
            agreed,
        )
        if self.end.error:
            return self.end.refuse(self.before)
        self.end.attempt(lambda: _begin_again(self.control), lambda: undo(self.control))
        return self.end.conclude(undoing=True)

    def _hand_over(self) -> None:
        """Let other runbooks take over where a step wants that; who stops one of them stops this run as well."""
        if self.control.cancelled:
            return
        self.end.attempt(lambda: handover.hand_over(self.control, run, self.end.took_over))
        if self.control.cancelled:
            self.end.attempt(self._cancel)
        self.end.attempt(self.control.recorder.close)

    def _act(self) -> None:
        """What is to be done, while somebody is called if it takes too long; and what a cancellation asks for."""
        with self.pager.patience():
            self.end.attempt(self._acts())
            if self.control.cancelled:
                self.end.attempt(self._cancel)

    def _acts(self) -> Callable[[], None]:
        looks = {"dry-run": dry_run, "preflight": preflight}.get(self.request.mode)
        return partial(looks, self.control) if looks else self._procedure

    def _procedure(self) -> None:
        """Batch by batch, gate by gate, segment by segment, until the end or until something is not as it must be."""
        for batch in self._batches():
            for item in cut(batch.steps, stepwise=self.request.mode == "step"):
                if self.control.cancelled:
                    return
                goes_on = self._ask(item, batch) if isinstance(item, Gate) else self._execute(item, batch)
                if not goes_on:
                    return

    def _batches(self) -> Iterator[Batch]:
        """Who is worked on when; without batches the first segment itself finds out who the hosts are."""
        if self.runbook.serial or isinstance(self.runbook.max_failures, str):  # a share is one of all of them
            self.control.know()
        if self.control.target:
            yield from batches(self.runbook, self.control.target)
        else:
            yield Batch(self.runbook.procedure, ())

    def _ask(self, gate: Gate, batch: Batch) -> bool:
        """Whether the run goes on after the question, which is only asked where its step is still to be done."""
        self.control.know(render=[gate.step.id])
        asks_about = {gate.part} if gate.kind in {"manual", "confirm"} else machine_parts(gate.step) | {"action"}
        hosts = self._due(gate.step, asks_about, batch)
        if not hosts:
            return True
        answer = ask(self.control, gate, hosts)
        if answer.instead == "undo":
            undo(self.control)
        return answer.yes or answer.instead == "skip"

    def _execute(self, segment: Segment, batch: Batch) -> bool:
        """Whether the run goes on after the segment, which is done on each host from where that host stands."""
        for part in self._invocations(segment, batch):
            self.control.execute(
                [step_tag(step.id) for step in part.steps], part.hosts, render=self._next(part.steps[-1])
            )
            if self.control.cancelled or self._must_stop(part):
                return False
        return True

    def _invocations(self, segment: Segment, batch: Batch) -> Iterator[Batch]:
        if self.control.target is None:
            yield Batch(segment.steps, ())
            return
        on = lambda step: self._due(step, machine_parts(step), batch)  # noqa: E731
        yield from fewest_batches(segment.steps, on=on, of=self.control.hosts_of)

    def _due(self, step: Step, parts: Collection[str], batch: Batch) -> list[str]:
        """The hosts on which one of `parts` of `step` is still to be proven, without those that the run has lost."""
        names, lost = batch.hosts or (self.control.target.names if self.control.target else ()), self.control.lost
        return [host for host in self.control.ledger.waits_for(step.id, parts) if host in names and host not in lost]

    def _next(self, step: Step) -> Sequence[str]:
        """The step that a person will be asked about after `step`, to be rendered while its values are at hand."""
        procedure = self.runbook.procedure
        following = procedure[procedure.index(step) + 1 :][:1]
        return [each.id for each in following if each.approve or each.point_of_no_return or self.request.mode == "step"]

    def _must_stop(self, part: Batch) -> bool:
        """What the policy of a step says when it did not pass on a host, and more hosts are lost than may be."""
        broken = self.control.ledger.broken(part.steps, part.hosts or None)
        broken = [(step, host) for step, host in broken if step.on_failure != "continue"]
        too_many = len(self.control.gone) > self.control.allowed(self.control.target)
        to_undo = [host for step, host in broken if step.on_failure == "undo"]
        if to_undo and not self.control.cancelled:
            undo(self.control, None if too_many else to_undo)
        return bool(broken) and too_many

    def _cancel(self) -> None:
        """What the runbook wants to be done when somebody stops it, on the hosts on which it was begun."""
        cancellation = self.control.env.cancellation
        self.control.recorder.note(EventType.RUN_CANCELLED, why=cancellation.requests[-1])
        cancellation.answered = len(cancellation.requests)
        begun = {host for (_, host), entry in self.control.ledger.entries.items() if entry.intended}
        for step in self.runbook.on_cancel:
            if hosts := [host for host in self.control.hosts_of(step) if host in begun]:
                self.control.expect(step, hosts)
                self.control.execute([step_tag(step.id)], hosts)

    def _aimed(self, target: Target, at_rest: bool) -> None:  # noqa: FBT001 - as Control.on_target has it
        self.pager.target = target
        admission.admit(self.control, target, at_rest=at_rest)
        self.pager.glass_broken()
