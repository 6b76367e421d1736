"""Tells those whom a runbook names in `announce` how a run goes, and does the steps that announce something."""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType

from runner.channels.base import Action, Page
from runner.core.events import Event, EventType, Outcome
from runner.escalation import policy as escalation
from runner.escalation.outbox import Outbox
from runner.model.category import Category
from runner.model.severity import Urgency, urgency
from runner.model.step import Step
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import Installation
from runner.orchestrator.stepper import Stepper

OFTEN, SELDOM = 15 * 60.0, 30 * 60.0
"""Seconds between two messages of a run that is critical, and of any other."""


class RunAnnouncer:
    """Tells how one run goes, and calls nobody; a run that has not begun a step is not worth a word.

    All messages have the run's id for a dedup key, so that a chat has one thread for them. `every` is how many seconds
    lie between two of them while the run goes on.
    """

    def __init__(
        self, request: RunRequest, env: Installation, recorder: Recorder, pager: Pager, *, every: float | None = None
    ) -> None:
        self._request, self._env, self._recorder, self._pager = request, env, recorder, pager
        self._runbook = request.source.runbook
        often = urgency(self._runbook.severity) is Urgency.CRITICAL
        self._every = every or (OFTEN if often else SELDOM)
        self._changed, self._over = threading.Condition(), False
        self._begun, self._done, self._now = False, set[str](), ""

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While the block lasts, those whom the runbook names hear how far the run is."""
        if self._request.tells_nobody or not self._runbook.announce:
            yield
            return
        self._recorder.listeners = (*self._recorder.listeners, self.hear)
        thread = threading.Thread(target=self._run, name="runbook-announcements", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._over = True
                self._changed.notify()
            thread.join()

    def hear(self, event: Event) -> None:
        """Take note of `event`, as far as it says how far the run is."""
        names = {step.id: step.name for step in self._runbook.steps}
        if event.step not in names or event.type not in {EventType.STEP_INTENDED, EventType.STEP_FINISHED}:
            return
        with self._changed:
            if event.type is EventType.STEP_FINISHED:
                self._done.add(event.step)
            else:
                self._begun, self._now = True, names[event.step]
                self._changed.notify()

    def ended(self, outcome: Outcome, happened: str) -> None:
        """Say how the run has ended; of a deployment that passed, as a change of the system."""
        if self._begun:
            deployed = self._runbook.category is Category.DEPLOYMENT and outcome is Outcome.PASSED
            self._tell("change" if deployed else "announce", f"{outcome}: {happened}" if happened else str(outcome))

    def _run(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._begun)
            begun, by = self._begun, self._env.actor.person
        if not begun:
            return
        self._tell("announce", f"started by {by}" + (f": {self._request.reason}" if self._request.reason else ""))
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._over, self._every):
                    return
                far = f"{len(self._done)} of {len(self._runbook.steps)} steps are done; now: {self._now}"
            self._tell("announce", far)

    def do_step(self, stepper: Stepper, step: Step, hosts: Sequence[str]) -> None:
        """Tell what `step` says, once for all `hosts` of which it says the same, and record what came of it.

        It has passed where every contact has the message, or it waits in the outbox; it is not told twice for that.
        """
        previews, texts = stepper.preview(step.id, hosts), dict[str, list[str]]()
        for host in hosts:
            preview = previews.get(host, {})
            if missing := preview.get("missing") or ([] if preview else ["nobody knows its text"]):
                self._recorder.record_action(step.id, host, f"the message cannot be filled in: {missing[0]}")
            else:
                texts.setdefault(str(preview["args"]["msg"]), []).append(host)
        for text, on in texts.items():
            for host in on:
                self._recorder.record_of(EventType.STEP_INTENDED, step.id, host, {"command": text})
            reason = self._deliver(step, text)
            for host in on:
                self._recorder.record_action(step.id, host, reason)

    def _deliver(self, step: Step, text: str) -> str:
        """Why somebody whom `step` names is told `text` neither now nor later; empty where everybody is."""
        assert step.announces  # noqa: S101 - whoever asks has seen that
        name = f"{self._request.run_id}/{step.id}/{sha256(text.encode()).hexdigest()[:8]}"
        waiting = {each.contact for each in Outbox(self._env.state.path / "outbox").all() if each.page.id == name}
        names = [each for each in step.announces.to if each not in waiting]
        page = replace(self._page("announce", text, {"stage": step.announces.stage}), id=name)
        sent = self._pager.tell(page, names, counts=True)
        deaf = set(names) - {each.contact for each in sent}
        refused = [f"{each.contact}: {each.receipt.reason}" for each in sent if each.receipt.status == "refused"]
        return "; ".join([*refused, *(f"{each} has no channel that takes messages" for each in sorted(deaf))])

    def _tell(self, action: Action, text: str) -> None:
        self._pager.tell(self._page(action, text), self._runbook.announce)

    def _page(self, action: Action, text: str, details: Mapping[str, str] = MappingProxyType({})) -> Page:
        """The page that tells `text`, in the conversation of this run."""
        target = self._pager.target
        page = escalation.make_page(
            self._runbook,
            action=action,
            reason=self._recorder.redaction.text(text),
            environment=target.environment if target else escalation.UNKNOWN,
            hosts=target.names if target else (),
            details={"run": self._request.run_id, **details},
            timestamp=self._env.clock().wall,
        )
        return replace(page, dedup_key=self._request.run_id, severity="info")
