"""Tells those whom a runbook names in `announce` how a run goes: that it begins, how far it is, and how it ended."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace

from runner.channels.base import Action
from runner.core.events import Event, EventType, Outcome
from runner.escalation import policy as escalation
from runner.model.runbook import Category
from runner.model.severity import Urgency, urgency
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import Installation

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

    def _tell(self, action: Action, text: str) -> None:
        target = self._pager.target
        page = escalation.make_page(
            self._runbook,
            action=action,
            reason=self._recorder.redaction.text(text),
            environment=target.environment if target else "unknown",
            hosts=target.names if target else (),
            details={"run": self._request.run_id},
            timestamp=self._env.clock().wall,
        )
        page = replace(page, dedup_key=self._request.run_id, severity="info")
        self._pager.tell(page, self._runbook.announce)
