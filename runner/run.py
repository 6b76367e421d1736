"""The whole flow on one page: aimed, asked about, executed, recorded, and if it fails someone is called."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from runner import admission, escalation, handover, resumption
from runner.asking import ask
from runner.conclusion import conclude, refuse
from runner.control import Control
from runner.definition.step import Step
from runner.definition.verification import Verification
from runner.dry_run import dry_run, preflight
from runner.errors import AuditError, DeniedError, ExecutionError, ExitCode, RunbookError
from runner.events import EventType, Outcome
from runner.execution.course import Batch, Leg, batches, legs
from runner.execution.ledger import machine_parts
from runner.execution.spans import Gate, Span, cut
from runner.execution.tags import step_tag, undo_id
from runner.execution.target import Target
from runner.execution.undo_plan import UndoPlan, standing, undo_plan
from runner.paging import Pager
from runner.record.audit_log import NAME, AuditLog, read
from runner.record.run_state import RunDirectory, RunState, StateDirectory
from runner.request import Request, Result, Surroundings
from runner.undoing import undo


def run(request: Request, around: Surroundings) -> Result:
    """Do the runbook that `request` names, and what takes over when it hands over.

    Raises:
        AuditError: something could not be recorded; what was going on has been stopped.
    """
    handover.check(request)
    with _log(around) as log:
        directory = around.state.begin(_state(request, around))
        directory.keep(request.source.text)
        with _held(directory, request, around, log) as control:
            return _Run(control).do(EventType.RUN_STARTED, **_described(request))


def resume(request: Request, around: Surroundings, *, done: Collection[str] = (), redo: Collection[str] = ()) -> Result:
    """Go on with the run of that id where it stopped; `done` and `redo` say what became of steps that are in doubt.

    Raises:
        AuditError: as `run`.
    """
    with _again(request, around) as control:

        def reopen() -> None:
            admission.again(control)
            _begin_again(control)
            resumption.reopen(control, done=done, redo=redo)

        return _Run(control).do(EventType.RUN_RESUMED, first=reopen, **_described(request))


def plan_undo(request: Request, directory: StateDirectory) -> UndoPlan:
    """What `take_back` would do now; nothing is done, and nothing is recorded."""
    state = directory.run(request.run_id).state
    records = read(directory.audit / NAME, run=request.run_id) if state.target else ()
    return resumption.planned_undo(request.source.runbook, state, records)


def take_back(request: Request, around: Surroundings, *, expected: UndoPlan | None = None) -> Result:
    """Undo what the run of that id has done, newest first, on exactly the hosts on which it was begun.

    `expected` is what somebody has agreed to, if it was shown to them. Where nothing was changed, nothing is done, and
    the run keeps its outcome.

    Raises:
        AuditError: as `run`.
        DeniedError: something else than `expected` is to be undone by now.
    """
    if not plan_undo(request, around.state):
        return _nothing_to_undo(request, around)
    with _again(request, around) as control:
        plan = undo_plan(control.runbook, control.ledger)
        if expected not in {None, plan}:
            hint = f"runbook undo {request.run_id} shows it"
            raise DeniedError("the run has gone on since its undo was shown: something else is to be undone", hint=hint)
        return _Run(control).undo()


def _log(around: Surroundings) -> AuditLog:
    return around.state.open_log(clock=around.clock, actor=around.actor)


def _nothing_to_undo(request: Request, around: Surroundings) -> Result:
    directory = around.state.run(request.run_id)
    state = directory.state
    why = "it only looked" if state.looks else "it has changed nothing that is not taken back"
    return Result(
        state.run,
        Outcome(state.outcome or Outcome.UNKNOWN),
        ExitCode.DONE,
        directory.path / "report.html",
        around.state.audit / NAME,
        hint=f"nothing to undo in the run {state.run} of {state.runbook}: {why}",
    )


@contextmanager
def _held(directory: RunDirectory, request: Request, around: Surroundings, log: AuditLog) -> Iterator[Control]:
    try:
        control = Control(request, around, log, directory)
        try:
            yield control
        finally:
            control.release()
    finally:
        directory.release()


@contextmanager
def _again(request: Request, around: Surroundings) -> Iterator[Control]:
    with _log(around) as log:
        directory = around.state.run(request.run_id).hold()
        directory.forget_cancellation()
        with _held(directory, request, around, log) as control:
            resumption.restore(control, read(control.journal.log.path, run=request.run_id))
            assert control.target  # noqa: S101 - what is restored has one
            control.lock(control.target)
            yield control


def _begin_again(control: Control) -> None:
    """Say in the state of the run that it goes on; whoever is refused before leaves it as it was."""
    request, directory = control.request, control.directory
    directory.update(status="running", mode=request.mode, sha256=request.source.sha256)
    directory.update(inputs=dict(request.inputs), reason=request.reason, break_glass=request.break_glass)
    directory.keep(request.source.text)


class _Run:
    """One run in progress, as a story: what comes after what, and what follows when it is not as it must be."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.runbook, self.request = control.runbook, control.request
        self.pager = Pager(control.request, control.around, control.journal)
        control.on_target = self._aimed
        self.pager.target = control.target
        self.error: RunbookError | None = None
        self.before = self.control.directory.state

    def do(self, begins: EventType, *, first: Callable[[], None] = lambda: None, **described: Any) -> Result:
        """The run, from its first record to its last."""
        self.control.journal.note(begins, **described)
        self.control.show_debts()
        with self.pager.patience():
            self._try(first)
            if self.error:
                return refuse(self.control, self.before, self.error)
            self._try(self._acts())
            if self.control.cancelled:
                self._try(self._cancel)
        self.control.journal.close()
        takes_over: list[Request] = []
        self._try(lambda: takes_over.extend(filter(None, [handover.prepare(self.control)])))
        outcome = self.control.ledger.outcome
        result = conclude(self.control, self.pager, outcome=outcome, error=self.error, handed_over=bool(takes_over))
        return run(takes_over[0], self.control.around) if takes_over else result

    def undo(self) -> Result:
        """Take everything back, as a story of its own."""
        self.control.journal.note(EventType.RUN_RESUMED, take_back=True, **_described(self.request))
        self._try(lambda: admission.again(self.control, undo=True))
        if self.error:
            return refuse(self.control, self.before, self.error)
        self._try(lambda: _begin_again(self.control), lambda: undo(self.control))
        left = standing(self.runbook, self.control.ledger)
        outcome = Outcome.PARTLY_UNDONE if left else Outcome.UNDONE
        return conclude(self.control, self.pager, outcome=outcome, error=self.error)

    def _try(self, *acts: Callable[[], None]) -> None:
        try:
            for act in acts:
                act()
        except AuditError:
            raise
        except RunbookError as error:
            self.error = self.control.redaction.error(error)
        except OSError as error:  # no room for temporary files, no process left: it ends as a run that failed
            said = ExecutionError(f"{error.filename or 'the system'}: {error.strerror or error}")
            self.error = self.control.redaction.error(said)

    def _acts(self) -> Callable[[], None]:
        looks = {"dry-run": dry_run, "preflight": preflight}.get(self.request.mode)
        return partial(looks, self.control) if looks else self._procedure

    def _procedure(self) -> None:
        """Batch by batch, gate by gate and span by span, until the end or until something is not as it must be."""
        for batch in self._batches():
            for item in cut(batch.steps, stepwise=self.request.mode == "step"):
                if self.control.cancelled:
                    return
                goes_on = self._ask(item, batch) if isinstance(item, Gate) else self._execute(item, batch)
                if not goes_on:
                    return

    def _batches(self) -> Iterator[Batch]:
        """Who is worked on when; without batches the first span itself finds out who the hosts are."""
        if self.runbook.serial:
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

    def _execute(self, span: Span, batch: Batch) -> bool:
        """Whether the run goes on after the span, which is done on each host from where that host stands."""
        for leg in self._legs(span, batch):
            self.control.execute([step_tag(step.id) for step in leg.steps], leg.hosts, render=self._next(leg.steps[-1]))
            if self.control.cancelled or self._must_stop(leg):
                return False
        return True

    def _legs(self, span: Span, batch: Batch) -> Iterator[Leg]:
        if self.control.target is None:
            yield Leg(span.steps, ())
            return
        on = lambda step: self._due(step, machine_parts(step), batch)  # noqa: E731
        yield from legs(span.steps, on=on, of=self.control.hosts_of)

    def _due(self, step: Step, parts: Collection[str], batch: Batch) -> list[str]:
        """The hosts on which one of `parts` of `step` is still to be proven, without those that the run has lost."""
        names, lost = batch.hosts or (self.control.target.names if self.control.target else ()), self.control.lost
        return [host for host in self.control.ledger.waits_for(step.id, parts) if host in names and host not in lost]

    def _next(self, step: Step) -> Sequence[str]:
        """The step that a person will be asked about after `step`, to be rendered while its values are at hand."""
        procedure = self.runbook.procedure
        following = procedure[procedure.index(step) + 1 :][:1]
        return [each.id for each in following if each.approve or each.point_of_no_return or self.request.mode == "step"]

    def _must_stop(self, leg: Leg) -> bool:
        """What the policy of a step says when it did not pass on a host, and more hosts are lost than may be."""
        broken = self.control.ledger.broken(leg.steps, leg.hosts or None)
        broken = [(step, host) for step, host in broken if step.on_failure != "continue"]
        too_many = len(self.control.lost) > self.control.may_fail
        to_undo = [host for step, host in broken if step.on_failure == "undo"]
        if to_undo and not self.control.cancelled:
            undo(self.control, None if too_many else to_undo)
        return bool(broken) and too_many

    def _cancel(self) -> None:
        """What the runbook wants to be done when somebody stops it, on the hosts on which it was begun."""
        cancellation = self.control.around.cancellation
        self.control.journal.note(EventType.RUN_CANCELLED, why=cancellation.requests[-1])
        cancellation.answered = len(cancellation.requests)
        begun = {host for (_, host), entry in self.control.ledger.entries.items() if entry.intended}
        for step in self.runbook.on_cancel:
            if hosts := [host for host in self.control.hosts_of(step) if host in begun]:
                self.control.expect(step, hosts)
                self.control.execute([step_tag(step.id)], hosts)

    def _aimed(self, target: Target, at_rest: bool) -> None:  # noqa: FBT001 - as Control.on_target has it
        self.pager.target = target
        admission.admit(self.control, target, at_rest=at_rest)


def _state(request: Request, around: Surroundings) -> RunState:
    runbook = request.source.runbook
    steps = (*runbook.procedure, *runbook.on_cancel)
    return RunState(
        run=request.run_id,
        runbook=runbook.id,
        title=runbook.title,
        started=around.clock().wall.isoformat(),
        user=around.actor.user,
        inventories=tuple(map(str, request.inventories)),
        limit=request.limit,
        hosts=":".join(dict.fromkeys(map(runbook.hosts_of, steps))),
        becomes=any(step.become or step.become_user for step in steps),
        path=str(request.source.path.resolve()),
        sha256=request.source.sha256,
        inputs=dict(request.inputs),
        mode=request.mode,
        reason=request.reason,
        break_glass=request.break_glass,
        parent=request.parent,
        tree=request.tree or request.run_id,
    )


def _described(request: Request) -> dict[str, Any]:
    """What the first record says of the run, so that the log explains itself when the files have changed."""
    runbook = request.source.runbook
    undone = [(step, step.undo) for step in runbook.steps if step.undo]
    steps = (*runbook.procedure, *runbook.on_cancel)
    return {
        "runbook": runbook.id,
        "title": runbook.title,
        "category": str(runbook.category),
        "severity": runbook.severity,
        "runbook_sha256": request.source.sha256,
        "playbook_sha256": hashlib.sha256(request.playbook).hexdigest(),
        "inventories": list(map(str, request.inventories)),
        "limit": request.limit,
        "inputs": dict(request.inputs),
        "mode": request.mode,
        "reason": request.reason,
        "break_glass": request.break_glass,
        "parent": request.parent,
        "budget": _budget(request),
        "steps": [_in_words(step.id, step, step.name, step.verify) for step in steps],
        "undo": [_in_words(undo_id(step.id), step, f"Undo: {step.name}", undo.verify) for step, undo in undone],
    }


def _budget(request: Request) -> float | None:
    """Seconds in which it should be done: until the deadline, or until somebody is called."""
    runbook = request.source.runbook
    return runbook.deadline.total_seconds() if runbook.deadline else escalation.patience(runbook.escalation)


def _in_words(name: str, step: Step, title: str, verify: Sequence[Verification]) -> Mapping[str, Any]:
    return {"id": name, "name": title, "effect": str(step.effect), "verify": [item.says for item in verify]}
