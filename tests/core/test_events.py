"""The words of the audit log only grow, and an event cannot be changed once it has happened."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from runner.core.events import Event, EventType, Outcome

WORDS = {
    *("run.started", "target.resolved", "run.finished", "run.abandoned", "span.started", "span.finished"),
    *("gate.asked", "gate.answered", "step.intended", "step.finished", "action.finished", "verification.finished"),
    *("values.captured", "escalation.declared", "page.finished", "log.recovered"),
}
OUTCOMES = {"passed", "failed", "skipped", "unreachable", "unknown", "never reached", "aborted"}


def test_no_word_that_logs_hold_was_taken_away():
    assert {str(kind) for kind in EventType} >= WORDS
    assert {str(outcome) for outcome in Outcome} >= OUTCOMES


def test_an_event_of_a_run_concerns_no_step_and_no_host_unless_it_says_so():
    event = Event(EventType.RUN_STARTED, "run")

    assert (event.step, event.host, event.data) == (None, None, {})


def test_what_has_happened_can_not_be_changed():
    event = Event(EventType.RUN_STARTED, "run")

    with pytest.raises(FrozenInstanceError):
        event.step = "another"
