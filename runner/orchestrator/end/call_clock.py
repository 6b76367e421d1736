"""Looks at the rules of escalation while a run goes on: whenever something happens, and whenever a clock runs down."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from runner.core.events import Clock, Event, EventType, Outcome
from runner.escalation.call_rules import Cause, OpenQuestion, SoFar, decide
from runner.model.escalation_policy import Escalation

_BEGINS = frozenset({EventType.STEP_INTENDED, EventType.GATE_ASKED})
_HEARD = _BEGINS | {EventType.VALUES_CAPTURED, EventType.VERIFICATION_FINISHED, EventType.GATE_ANSWERED}
"""What may change whether somebody is called."""


class CallClock:
    """Calls by the rules of `policy` while a run goes on; `so_far` is what it knows of the run.

    `captured` gives what each host is known by; `call` calls somebody for causes, each of which comes once;
    `climb` calls whose turn it is because nobody has acknowledged, and says after how many seconds to ask it again.
    `names` has what people call each step. While it calls it holds `calling`, as does whoever else calls meanwhile.
    """

    def __init__(
        self,
        policy: Escalation,
        clock: Clock,
        *,
        captured: Callable[[], Mapping[str, Mapping[str, Any]]],
        call: Callable[[Sequence[Cause]], None],
        climb: Callable[[], float | None] = lambda: None,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.so_far = self._seen = SoFar(started=clock())
        self._policy, self._clock, self._captured = policy, clock, captured
        self._call, self._climb, self._names = call, climb, names
        self.calling = threading.Lock()
        self._changed, self._over = threading.Condition(), False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """While the block lasts somebody is called as soon as a rule says so."""
        thread = threading.Thread(target=self._run, name="runbook-call-clock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._over = True
                self._changed.notify()
            thread.join()

    def hear(self, event: Event) -> None:
        """Take note of `event`, and look at the rules again if it may matter."""
        if event.type not in _HEARD:
            return
        with self._changed:
            so_far = replace(self.so_far, begun=self.so_far.begun or event.type in _BEGINS)
            if event.type is EventType.VERIFICATION_FINISHED and event.data.get("outcome") == Outcome.FAILED:
                so_far = replace(so_far, verifications_failed=so_far.verifications_failed + 1)
            elif event.type is EventType.GATE_ASKED:
                so_far = replace(
                    so_far,
                    question=OpenQuestion(event.step or "", self._clock(), self._names.get(event.step or "", "")),
                )
            elif event.type is EventType.GATE_ANSWERED:
                so_far = replace(so_far, question=None)
            elif event.type is EventType.VALUES_CAPTURED:
                so_far = replace(so_far, captured={host: dict(values) for host, values in self._captured().items()})
            self.so_far = so_far
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._over and self.so_far == self._seen:  # what was heard last is looked at as well
                    return
                looked_at = self.so_far
            decision = decide(self._policy, looked_at, self._clock())
            with self.calling:
                if decision.causes:
                    self._call(decision.causes)
                waits = [wait for wait in (decision.next_in, self._climb()) if wait is not None]
            with self._changed:
                called = looked_at.called | {cause.key for cause in decision.causes}
                changed = self.so_far != looked_at
                self._seen = replace(looked_at, called=called)
                self.so_far = replace(self.so_far, called=called)
                if not (self._over or changed):
                    self._changed.wait(min(waits, default=None))
