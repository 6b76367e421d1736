"""While a run goes on, whoever is to be called is called as soon as a rule says so, and once for each cause."""

from __future__ import annotations

import threading
import time

import pytest
from harness import PATIENCE
from pydantic import TypeAdapter

from runner.cli.system import clock
from runner.core.events import Event, EventType
from runner.model.escalation_policy import Escalation, Reason
from runner.orchestrator.end.call_clock import CallClock

RUN = "20260101T000000Z-0123abcd"


class Watched:
    """A clock of calls, and what it has called for."""

    def __init__(self, *when):
        rules = tuple(TypeAdapter(Reason).validate_python(rule) for rule in when)
        self.captured, self.reasons, self.called = {}, [], threading.Event()
        self.climbed = threading.Event()
        policy = Escalation(when=rules, contacts=("on-call",), provide=("timeline",))
        self.waits, self.heard_meanwhile = [], []
        self.clock = CallClock(policy, clock, captured=lambda: self.captured, call=self.call, climb=self.climb)

    def call(self, causes):
        self.reasons += [cause.reason for cause in causes]
        self.called.set()

    def climb(self):
        """The ladder is to be looked at again after each of `waits`; `heard_meanwhile` is heard while it is looked at."""
        while self.heard_meanwhile:
            self.hear(self.heard_meanwhile.pop())
            self.climbed.set()
            time.sleep(0.3)  # the block ends meanwhile
        if not self.waits:
            self.climbed.set()
        return self.waits.pop(0) if self.waits else None

    def hear(self, kind, step="act", host="db1", **data):
        self.clock.hear(Event(kind, RUN, step, host, data))


def test_a_clock_that_runs_down_calls_once_while_the_block_lasts():
    watched = Watched({"unresolved_for": "20ms"})

    with watched.clock.running():
        assert watched.called.wait(PATIENCE)
        watched.hear(EventType.VERIFICATION_FINISHED, outcome="failed")

    assert watched.reasons == ["not resolved after 20ms"]


def test_a_block_that_ends_in_time_calls_nobody_and_leaves_no_thread():
    watched, before = Watched({"unresolved_for": "10m"}), threading.active_count()

    with watched.clock.running():
        pass

    assert (watched.reasons, threading.active_count()) == ([], before)


def test_what_is_heard_at_the_very_end_of_the_block_still_calls():
    # Given a run that comes to its first step, and ends, while the rules are being looked at
    watched = Watched("started")
    watched.heard_meanwhile = [EventType.STEP_INTENDED]

    # When
    with watched.clock.running():
        assert watched.climbed.wait(PATIENCE)

    # Then
    assert watched.reasons == ["whoever has started this asks for somebody"]


def test_a_captured_value_calls_as_soon_as_it_is_there():
    watched = Watched({"that": "rate > 2"})

    with watched.clock.running():
        watched.captured["db1"] = {"rate": 2}
        watched.hear(EventType.VALUES_CAPTURED)
        watched.captured["db1"] = {"rate": 3}
        watched.hear(EventType.VALUES_CAPTURED)
        assert watched.called.wait(PATIENCE)

    assert watched.reasons == ["rate > 2 on db1"]


def test_verifications_that_fail_are_counted():
    watched = Watched({"verification_failed": 2})

    with watched.clock.running():
        for outcome in ("failed", "passed", "failed"):
            watched.hear(EventType.VERIFICATION_FINISHED, outcome=outcome)
        assert watched.called.wait(PATIENCE)

    assert watched.reasons == ["2 verifications have failed"]


@pytest.mark.parametrize("answered", [True, False])
def test_a_question_calls_only_as_long_as_it_waits(answered):
    watched = Watched({"no_answer": "1h" if answered else "20ms"})

    with watched.clock.running():
        watched.hear(EventType.GATE_ASKED)
        if answered:
            watched.hear(EventType.GATE_ANSWERED)
        else:
            assert watched.called.wait(PATIENCE)

    assert watched.reasons == ([] if answered else ["nobody has answered for 20ms: act"])
    assert (watched.clock.so_far.question is None) is answered


def test_the_ladder_is_looked_at_again_when_it_wants_to_be():
    watched = Watched({"unresolved_for": "10m"})
    watched.waits = [0.01, 0.01]

    with watched.clock.running():
        assert watched.climbed.wait(PATIENCE)

    assert watched.waits == []


def test_a_runbook_that_asks_for_somebody_calls_as_soon_as_it_has_come_to_a_step():
    watched = Watched("started")

    with watched.clock.running():
        watched.hear(EventType.GATE_ASKED)
        assert watched.called.wait(PATIENCE)

    assert watched.reasons == ["whoever has started this asks for somebody"]
