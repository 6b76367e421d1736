"""Has the executor do parts of the playbook of one run, and records all that it reports before anything goes on."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from runner.core.errors import ExecutionError
from runner.core.events import Event, EventType
from runner.core.step_tags import step_tag
from runner.executor.host_ledger import Ledger
from runner.executor.job import NOTHING, Cancellation, Handler, JobPart, Message
from runner.executor.target import Target
from runner.orchestrator.continuation import other_runbook
from runner.orchestrator.deadline import Deadline
from runner.orchestrator.due_items import with_due_items
from runner.orchestrator.event_translator import Translator
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.start.run_locks import RunLocks
from runner.store.run_state import RunDirectory


class PartHalt(Cancellation):
    """A request to stop for the part that is executed just now, beside those to stop the whole run.

    A part is halted only where nothing is in the middle of a change: at the next thing that Ansible reports, or at once
    where nothing but a verification is going on. What Ansible reports is recorded under one lock with whoever halts, so
    that no action is begun that would be ended.
    """

    def __init__(self, whole: Cancellation, ledger: Ledger) -> None:
        super().__init__()
        self._whole, self._ledger = whole, ledger
        self._lock, self._wanted, self._between_steps = threading.Lock(), False, False
        self.halted = self._may = False

    def asked(self) -> int:
        """How often the whole run was asked to stop, and once more where this part is halted."""
        return self._whole.asked() + self.halted

    def begin(self, *, may: bool) -> None:
        """A part begins, which `may` be halted."""
        with self._lock:
            self.answered, self.halted, self._may = self._whole.answered, False, may

    def want(self, *, between_steps: bool) -> None:
        """Halt the part as soon as that is harmless; `between_steps`, not before the step that is begun has ended."""
        with self._lock:
            self._wanted, self._between_steps = True, between_steps
            self.halted = self.halted or self._harmless()

    def forget(self) -> None:
        """It is not to be halted any more."""
        with self._lock:
            self._wanted = False

    @contextmanager
    def passing(self) -> Iterator[bool]:
        """Whether what Ansible reports may be recorded, and go on; else the part ends before it."""
        with self._lock:
            self.halted = self.halted or self._harmless()
            yield not self.halted

    def _harmless(self) -> bool:
        """Whether nothing is lost when the part ends now."""
        if not (self._wanted and self._may):
            return False
        entries = list(self._ledger.entries.values())
        begun = [entry for entry in entries if entry.outcome is None and entry.intended]
        return not any(self._between_steps or entry.acted is None for entry in begun)


class Invoker:
    """One run and its executor, from before its hosts are known until its end.

    `previews` has what each step would do on each host, where that was rendered.
    """

    def __init__(
        self,
        request: RunRequest,
        env: RunEnvironment,
        recorder: Recorder,
        directory: RunDirectory,
        locks: RunLocks,
        deadline: Deadline,
    ) -> None:
        self.recorder, self.previews = recorder, dict[str, dict[str, Mapping[str, Any]]]()
        self._engine: Mapping[str, Any] = {}
        self._request, self._env, self._directory = request, env, directory
        self._locks, self._deadline = locks, deadline
        self.halt = PartHalt(env.cancellation, recorder.ledger)
        self._translator = Translator(request.run_id, request.source.runbook.id)
        env.cancellation.listen(directory.cancelled)
        self._job = replace(
            request.job(env.environ, recorder.learn),
            hosts=directory.state.hosts,
            becomes=directory.state.becomes,
            cancellation=self.halt,
            on_workspace=lambda path: directory.update(private=(*directory.state.private, str(path))),
            secrets=request.secrets,
        )
        self._executor = env.executor

    @contextmanager
    def session(self) -> Iterator[None]:
        """While the block lasts, all that is executed goes on from where the last part has left off."""
        with self._env.executor.session(self._job) as self._executor:
            yield

    @property
    def cancelled(self) -> bool:
        """Whether somebody has asked the run to stop."""
        return bool(self._env.cancellation.asked())

    def resolve(self, render: Sequence[str] = ()) -> Message:
        """What the inventory says now, and what the steps in `render` would do; nothing is done."""
        tags, runbook = map(step_tag, render), self._request.source.runbook
        captured = with_due_items(self.recorder.captured, self.recorder.ledger, runbook, [*tags])
        message = self._executor.resolve(self._job, JobPart(NOTHING.tags, captured=captured, render=render))
        self._note_inventory(message)
        for step in (each for each in runbook.procedure if each.id in render and each.runs):
            hosts = Target.from_message(message).of(runbook, step)
            does = other_runbook.previews(self._request, step, hosts, self.recorder.captured, self._resolve_other)
            self._keep_previews({"commands": {step.id: does}})
        return message

    def _resolve_other(self, request: RunRequest, render: Sequence[str]) -> Message:
        """The same of another runbook, which works for a step of this one."""
        job = replace(
            request.job(self._env.environ, self.recorder.learn),
            cancellation=self.halt,
            on_workspace=self._job.on_workspace,
        )
        return self._executor.resolve(job, JobPart(NOTHING.tags, render=render))

    def begin(self, tags: Sequence[str], limit: Sequence[str] = ()) -> None:
        """Record that the tasks with `tags` are done next, on all hosts or on those in `limit`."""
        self.recorder.note(EventType.SPAN_STARTED, tags=list(tags), hosts=list(limit))
        self._locks.come_to(tags[0].partition("-")[2])

    def execute(
        self, part: JobPart, *, check: Callable[[Message], Literal[False] | None], may_halt: bool = False
    ) -> bool:
        """Do `part`, once `check` lets it go on after what the inventory says by then; whether it was done to its end.

        It is not where `check` has refused it, nor where it `may_halt` and was halted.

        Raises:
            TimedOutError: the deadline of the run passed; what was going on has been stopped.
            ExecutionError: it did not start, or was stopped from outside.
        """
        self.halt.begin(may=may_halt)
        self._engine = {}
        ending = self._executor.execute(self._job, part, handle=self._handler(check), together=self.recorder.together)
        halted = self.halt.halted and ending.why in {"refused", "cancelled"} and not self.cancelled
        if ending.why == "refused" and not halted:
            return False
        why = "halted" if halted else ending.why
        self.recorder.note(EventType.SPAN_FINISHED, why=why, code=ending.code, engine=self._engine)
        self._directory.update(captured=self.recorder.captured, steps=self.recorder.ledger.table())
        if halted:
            return False
        if ending.why == "deadline":
            raise self._deadline.error()
        if ending.why != "exited" and not self.cancelled:
            how = "died" if ending.why == "orphaned" else "was stopped from outside"
            raise ExecutionError(f"the process on this machine that runs Ansible {how}; what it had started was ended")
        return True

    def _handler(self, check: Callable[[Message], Literal[False] | None]) -> Handler:
        """What the callback plugin reports, on its socket's thread; to return is the leave to go on."""

        def handle(message: Message) -> Literal[False] | None:
            if message["kind"] == "inventory":
                self._note_inventory(message)
                return check(message)
            if message["kind"] == "end":
                self._keep_previews(message)
                self._engine = message.get("engine") or {}
                return None
            with self.halt.passing() as passes:
                if not passes:
                    return False
                self._record(message)
            return None

        return handle

    def _record(self, message: Message) -> None:
        events: list[Event] = []
        try:
            events.extend(self._translator.events(self.recorder.redaction.report(message)))  # up to what is refused
        finally:
            self.recorder.record(*events)
        if begun := [event.step for event in events if event.type is EventType.STEP_INTENDED]:
            self._locks.come_to(begun[-1] or "")

    def _note_inventory(self, message: Message) -> None:
        self._keep_previews(message)
        self.recorder.note_request(self._request)

    def _keep_previews(self, message: Message) -> None:
        """Take note of what steps would do, where `message` says so."""
        for step, hosts in (message.get("commands") or {}).items():
            self.previews[step] = {
                host: self.recorder.redaction.data(preview, ours=2) for host, preview in hosts.items()
            }
