"""What a run can do next: ask a person, have Ansible do a part, take note; every word of it is recorded first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from runner.approvals.gate_context import GateContext
from runner.compiler.batches import portion
from runner.compiler.compiler import variables
from runner.compiler.segments import Gate
from runner.core.errors import ExecutionError, TimedOutError
from runner.core.events import Event, EventType
from runner.core.step_tags import step_tag
from runner.executor.host_ledger import parts
from runner.executor.job import NOTHING, Job, Part
from runner.executor.target import Target, check_hosts
from runner.model.step import Step
from runner.orchestrator.event_translator import Translator
from runner.orchestrator.gate.gate_facts import acts
from runner.orchestrator.gate.granted_approvals import Approvals
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import Request
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.start.run_locks import RunLocks
from runner.store.log.audit_log import AuditLog
from runner.store.owed_undos import Debts
from runner.store.run_state import RunDirectory


class NotAtRestError(Exception):
    """A person is to be asked something before the run may begin, and nothing runs while they think."""


class Control:
    """One run in progress: the only place that makes Ansible do something.

    `target` is None until Ansible has named the hosts; `on_target` is told of them first, with whether nothing runs at
    that moment, and refuses the run by raising. `approvals` has the questions to which people have said yes, and what
    each step would do; `taken_back` the hosts on which what was done was to be undone, and `unanswered` the name of a
    step about which nobody has answered in time.
    """

    def __init__(self, request: Request, env: RunEnvironment, log: AuditLog, directory: RunDirectory) -> None:
        self.request, self.env, self.directory = request, env, directory
        self.runbook = request.source.runbook
        self.recorder = Recorder(request.run_id, log, directory, env.clock)
        self.recorder.listeners = env.listeners
        self.redaction = self.recorder.redaction = request.redaction()
        self.ledger = self.recorder.ledger
        self.translator = Translator(request.run_id, self.runbook.id)
        self.target: Target | None = None
        self.declared: str | None = None
        self.unanswered: str | None = None
        self.approvals = Approvals(request, env, self.recorder, directory)
        self.on_target: Callable[[Target, bool], None] = lambda _target, _at_rest: None
        self.locks = RunLocks(request, env, self.recorder, directory)
        self.taken_back: set[str] = set()
        self.unreachable: frozenset[str] = frozenset()
        self._ends = time.monotonic() + self.runbook.deadline.total_seconds() if self.runbook.deadline else None
        env.cancellation.listen(directory.cancelled)
        self.job = Job(
            run_id=request.run_id,
            name=f"{self.runbook.id}.yml",
            playbook=request.playbook,
            inventories=request.inventories,
            limit=request.limit,
            inputs=variables(self.runbook, request.inputs),
            hosts=directory.state.hosts,
            becomes=directory.state.becomes,
            environ=env.environ,
            cancellation=env.cancellation,
            on_workspace=lambda path: directory.update(private=(*directory.state.private, str(path))),
            learn=self.redaction.learn,
            secrets=request.secrets,
            names=self.runbook.asks_for_hosts,
        )

    @property
    def cancelled(self) -> bool:
        """Whether somebody has asked the run to stop."""
        return bool(self.env.cancellation.asked())

    def know(self, *, render: Sequence[str] = ()) -> Target:
        """The hosts of every step, which Ansible is asked for if nobody has yet, and what the steps in `render` do."""
        if self.target is None:
            self._on_inventory(self.env.executor.resolve(self.job, replace(NOTHING, render=render)), at_rest=True)
        assert self.target  # noqa: S101 - the inventory sets it or raises
        return self.target

    def survey(self) -> Target:
        """What the inventory says now about the hosts of a run that is gone on with."""
        seen = Target.from_message(self.env.executor.resolve(self.job, NOTHING))
        self._record_reason()
        self._check_strangers(seen)
        return seen

    def description(self, gate: Gate, hosts: Sequence[str]) -> GateContext:
        """All that `gate` is about on `hosts`, as everybody is asked it.

        Raises:
            InvalidInputError: it is for a group of which nobody is a member.
        """
        step = gate.step
        if acts(gate) and (step.id not in self.approvals.previews or step.choose):
            self.render([step.id])
        return self.approvals.describe(gate, hosts, self.target.machines if self.target else {})

    def render(self, steps: Sequence[str]) -> None:
        """Find out what `steps` would do on each host."""
        part = Part(NOTHING.tags, captured=self.recorder.captured, render=steps)
        self.approvals.keep_previews(self.env.executor.resolve(self.job, part))

    def execute(self, tags: Sequence[str], limit: Sequence[str] = (), *, render: Sequence[str] = ()) -> None:
        """One span: one invocation of Ansible, every word of which is recorded before Ansible may go on.

        Raises:
            TimedOutError: the deadline of the run passed; what was going on has been stopped.
            ExecutionError: it did not start, or was stopped from outside.
        """
        limit = () if self.target is None or set(limit) == set(self.target.names) else limit
        self.recorder.note(EventType.SPAN_STARTED, tags=list(tags), hosts=list(limit))
        approved = [step for step in self.approvals.approved if step_tag(step) in tags]
        self.locks.come_to(tags[0].partition("-")[2])
        part = Part(
            tags,
            limit,
            hosts=len(limit) or (len(self.target.names) if self.target else 0),
            captured=self.recorder.captured,
            settings=self._settings(limit),
            deadline=self.left(),
            render=[*render, *approved],
        )
        handle = lambda message: self._hear(message, approved, limit)  # noqa: E731
        try:
            ending = self.env.executor.execute(self.job, part, handle=handle)
        except NotAtRestError:
            self.know()
            ending = self.env.executor.execute(self.job, part, handle=handle)
        self.recorder.note(EventType.SPAN_FINISHED, why=ending.why, code=ending.code)
        self.directory.update(captured=self.recorder.captured, steps=self.ledger.table())
        if ending.why == "deadline":
            raise self._late()
        if ending.why != "exited" and not self.cancelled:
            how = "died" if ending.why == "orphaned" else "was stopped from outside"
            raise ExecutionError(f"the supervisor of the run {how}; what it had started was ended", hint="run it again")

    def left(self) -> float | None:
        """Seconds until the deadline of the run, by a clock that nobody can set; None without one.

        Raises:
            TimedOutError: it has passed.
        """
        if self.is_late:
            raise self._late()
        return None if self._ends is None else self._ends - time.monotonic()

    def _late(self) -> TimedOutError:
        return TimedOutError(
            "the deadline of the run has passed; the current action was stopped",
            hint=f"runbook resume {self.request.run_id} continues from there, with the same time limit again",
        )

    def _settings(self, limit: Sequence[str]) -> dict[str, Any]:
        """What the playbook leaves to whoever runs it: here, each invocation names its hosts."""
        own: dict[str, Any] = {"runbook_serial": "100%"} if self.runbook.serial else {}
        elsewhere = self.gone - set(limit) if limit else ()
        left = self.allowed(self.target) - len(elsewhere)
        return own | ({"runbook_may_fail": left} if self.runbook.max_failures else {})

    @contextmanager
    def standstill(self) -> Iterator[None]:
        """While it lasts the deadline of the run does not come nearer: another run is at work, by its own deadline."""
        began = time.monotonic()
        try:
            yield
        finally:
            if self._ends is not None:
                self._ends += time.monotonic() - began

    @property
    def is_late(self) -> bool:
        """Whether the deadline of the run has passed."""
        return self._ends is not None and self._ends <= time.monotonic()

    @property
    def gone(self) -> set[str]:
        """The hosts that count as failed: those that are lost, and before their turn those that did not answer."""
        return {*self.lost, *self.unreachable}

    def allowed(self, target: Target | None) -> int:
        """How many of the hosts of `target`, or of those that are not known yet, may fail."""
        return portion(self.runbook.max_failures, len(target.names) if target else 0)

    @property
    def lost(self) -> list[str]:
        """The hosts on which the run cannot go on."""
        return self.ledger.lost(step for step in self.runbook.procedure if step.on_failure != "continue")

    def hosts_of(self, step: Step) -> Sequence[str]:
        """The hosts on which `step` is done, once they are known."""
        return self.target.of(self.runbook, step) if self.target else ()

    def _hear(self, message: Mapping[str, Any], approved: Sequence[str], limit: Sequence[str]) -> None:
        """What the callback plugin says, on its socket's thread; returning is the leave to go on."""
        if message["kind"] == "inventory":
            self.approvals.keep_previews(message)
            for step in approved:
                self.approvals.check(step, Target.from_message(message), limit)
            self._on_inventory(message)
        elif message["kind"] == "end":
            self.approvals.keep_previews(message)
        else:
            events: list[Event] = []
            try:
                events.extend(self.translator.events(self.redaction.report(message)))  # up to what is refused
            finally:
                self.recorder.record(*events)
            if begun := [event.step for event in events if event.type is EventType.STEP_INTENDED]:
                self.locks.come_to(begun[-1] or "")

    def _on_inventory(self, message: Mapping[str, Any], *, at_rest: bool = False) -> None:
        self.approvals.keep_previews(message)
        self._record_reason()
        seen = Target.from_message(message)
        check_hosts(self.runbook, self.request.inputs, message.get("names") or ())
        if self.target is not None:
            self._check_strangers(seen)
            return
        seen.check(self.runbook, inherited=bool(self.request.parent))
        self.on_target(seen, at_rest)
        self.aim(seen)
        self.directory.update(environment=seen.environment, target=seen.hosts, environments=seen.environments)
        self.directory.update(machines=seen.machines)
        self.directory.update(reason=self.request.reason, break_glass=self.request.break_glass)
        self.show_debts()

    def _record_reason(self) -> None:
        """Say, once, why somebody wants the run: now the secrets of the inventory are known, which may be in it."""
        if self.recorder.knows_inventory:
            return
        self.recorder.knows_inventory = True
        self.request = self.request.without(self.redaction)
        reasons = {"reason": self.request.reason, "break_glass": self.request.break_glass}
        if any(reasons.values()):
            self.recorder.note(EventType.REASON_GIVEN, **reasons)

    def _check_strangers(self, seen: Target) -> None:
        assert self.target  # noqa: S101 - whoever looks for strangers knows the hosts
        if strangers := set(seen.names) - set(self.target.names):
            raise ExecutionError(f"the inventory names other hosts than at the start: {', '.join(sorted(strangers))}")
        if moved := [name for name in seen.names if seen.machines.get(name) != self.target.machines.get(name)]:
            was, now = self.target.machines.get(moved[0]), seen.machines.get(moved[0])
            raise ExecutionError(
                f"{moved[0]} is another machine than at the start: it was at {was}, and is at {now}",
                hint="put the inventory back, or start another run",
            )

    def show_debts(self) -> None:
        """Say what was begun on the hosts of this run by an earlier one, and should have been taken back."""
        for debt in Debts(self.env.state.path / "debts").of(self.target.names if self.target else ()):
            said = {"runbook": debt.runbook, "run": debt.run, "since": debt.since}
            self.recorder.record_of(EventType.DEBT_FOUND, debt.step, debt.host, said)

    def aim(self, target: Target) -> None:
        """Intend every step on each of its hosts in `target`."""
        self.target, self.approvals.environment = target, target.environment
        for step in self.runbook.procedure:
            self.expect(step, target.of(self.runbook, step))

    def expect(self, step: Step, hosts: Sequence[str]) -> None:
        """Intend `step` on `hosts`."""
        self.ledger.expect(step.id, hosts, parts(step))
