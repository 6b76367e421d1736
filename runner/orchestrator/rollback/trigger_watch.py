"""Looks at the rollback triggers of a run while it goes on, beside it: nothing of that delays it or is its record."""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from runner.core.errors import RunbookError
from runner.core.events import Event, EventType
from runner.core.step_tags import step_tag
from runner.executor.job import Cancellation, Job, JobPart
from runner.model.procedure.rollback_triggers import RollbackTrigger
from runner.model.step import Effect
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.rollback.trigger_looks import NOT_REACHED, LookCollector, TriggerLook
from runner.orchestrator.run_environment import RunEnvironment

_PATIENCE = 60.0
"""Seconds that one look may take."""


class TriggerWatch:
    """Looks at each trigger of a runbook so often as it says, from the first change that the run makes until its end.

    The looks are a session of the executor by themselves, with an id of their own: what a host answers there goes to
    nobody who records steps, and ending one ends nothing of the run. Recorded is what changes: that a trigger fires,
    that it does not any more, that it cannot be looked at. `fired` tells somebody who may want to stop what goes on;
    `totals` has how often each trigger was looked at.
    """

    def __init__(self, request: RunRequest, env: RunEnvironment, recorder: Recorder, fired: Callable[[], None]) -> None:
        self._request, self._env, self._recorder, self._fired = request, env, recorder, fired
        runbook = request.source.runbook
        self.triggers: Sequence[RollbackTrigger] = runbook.watch
        self._changes = {step.id for step in runbook.steps if step.effect is not Effect.READ}
        self._states: dict[str, TriggerLook] = {}
        self.totals = dict.fromkeys((trigger.id for trigger in self.triggers), 0)
        self._due = dict.fromkeys((trigger.id for trigger in self.triggers), 0.0)
        self._answered: set[str] = set()
        self._looking, self._changed = threading.Lock(), threading.Condition()
        self._over, self.begun = False, False
        self._cancellation = Cancellation()
        self._run_id, self._executor = "", env.executor

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While the block lasts the triggers are looked at, once the run has begun to change something."""
        if not self.triggers or self._request.looks:
            yield
            return
        self.begun = bool(self.changed_hosts())
        self._answered |= {
            str(record.data.get("trigger"))
            for record in self._recorder.records
            if record.type == EventType.TRIGGER_ANSWERED
        }
        self._recorder.listeners = (*self._recorder.listeners, self.hear)
        thread = threading.Thread(target=self._run, name="runbook-triggers", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.end()
            thread.join()

    def end(self) -> None:
        """Look no more."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._cancellation.request("the run is over")

    def changed_hosts(self) -> list[str]:
        """The hosts on which the run has begun to change something, and has not taken it back."""
        ledger = self._recorder.ledger
        return sorted({host for step in self._changes for host in ledger.begun_on(step)})

    def hear(self, event: Event) -> None:
        """Take note of the first change that the run makes."""
        if (
            event.type is EventType.STEP_INTENDED
            and not self.begun
            and (event.step or "").partition("[")[0] in self._changes
        ):
            with self._changed:
                self.begun = True
                self._changed.notify()

    def fired(self) -> list[tuple[RollbackTrigger, TriggerLook]]:
        """The triggers that fire, each with what was seen, as long as nobody has answered what is to follow."""
        found = [(trigger, self._states.get(trigger.id)) for trigger in self.triggers]
        return [
            (trigger, look)
            for trigger, look in found
            if look and look.state == "fired" and trigger.id not in self._answered
        ]

    def answered(self, trigger: RollbackTrigger) -> None:
        """Somebody has said what follows: `trigger` is not asked about any more in this run."""
        self._answered.add(trigger.id)

    def look(self, *, only_due: bool = False) -> None:
        """Look at every trigger now, or at those whose time it is, and wait for what that comes to."""
        with self._looking:
            now = self._env.clock().monotonic
            due = [each for each in self.triggers if not only_due or self._due[each.id] <= now]
            if due and not self._over:
                self._note(due, self._look_at(due))
                self._due |= {each.id: self._env.clock().monotonic + each.every.total_seconds() for each in due}

    def _run(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._over or self.begun)
        with self._session():
            while not self._over:
                self.look(only_due=True)
                with self._changed:
                    wait = min(self._due.values()) - self._env.clock().monotonic
                    self._changed.wait_for(lambda: self._over, max(0.1, wait))

    @contextlib.contextmanager
    def _session(self) -> Iterator[None]:
        """While the block lasts, each look goes on from where the one before has left off."""
        if self._over:
            yield
            return
        with self._env.executor.session(self._job(self.triggers)) as session:
            self._executor = session
            try:
                yield
            finally:
                with self._looking:
                    self._executor = self._env.executor

    def _look_at(self, triggers: Sequence[RollbackTrigger]) -> dict[str, TriggerLook]:
        """What became of each; one that was not come to, as a host was lost before it, is looked at by itself."""
        looks = self._invoke(triggers)
        if len(triggers) > 1:
            for trigger in triggers:
                if trigger.id not in looks and not self._over:
                    looks |= self._invoke([trigger])
        return looks

    def _invoke(self, triggers: Sequence[RollbackTrigger]) -> dict[str, TriggerLook]:
        runbook, request = self._request.source.runbook, self._request
        collector = LookCollector(request.run_id, runbook.id, triggers, self._recorder.redaction)
        tags = [step_tag(trigger.step.id) for trigger in triggers]
        part = JobPart(tags, captured=dict(self._recorder.captured), deadline=_PATIENCE)
        try:
            ending = self._executor.execute(self._job(triggers), part, handle=collector.handle)
        except RunbookError as error:
            return {each.id: TriggerLook("unknown", error.message) for each in triggers}
        if ending.why != "exited":
            late = TriggerLook("unknown", f"there was no answer within {_PATIENCE:g} s")
            return {each.id: collector.looks.get(each.id, late) for each in triggers}
        return collector.looks

    def _job(self, triggers: Collection[RollbackTrigger]) -> Job:
        runbook = self._request.source.runbook
        self._run_id = self._run_id or self._env.new_run_id()
        return replace(
            self._request.job(self._env.environ, self._recorder.learn),
            run_id=self._run_id,
            hosts=":".join(dict.fromkeys(runbook.hosts_of(each.step) for each in triggers)),
            becomes=any(each.step.users for each in triggers),
            cancellation=self._cancellation,
            secrets=self._request.secrets,
        )

    def _note(self, triggers: Sequence[RollbackTrigger], looks: dict[str, TriggerLook]) -> None:
        if self._over and not self._request.looks:  # it was ended in the middle of a look
            return
        for trigger in triggers:
            look = looks.get(trigger.id, NOT_REACHED)
            before, self._states[trigger.id] = self._states.get(trigger.id), look
            self.totals[trigger.id] += 1
            if before is None or before.state != look.state:
                self._recorder.note(EventType.TRIGGER_SEEN, **look.data(trigger))
        if self.fired():
            self._fired()
