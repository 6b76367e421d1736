"""The records of a run's rollback triggers, folded."""

from __future__ import annotations

from datetime import timedelta

from harness.run_records import STARTED, record

from runner.core.events import EventType
from runner.render.history.trigger_history import TriggerHistory, trigger_histories

ABOUT = {"trigger": "DEP-006", "says": "errors", "runbook": "RUN-005"}


def seen(at, state, **data):
    return record(at, EventType.TRIGGER_SEEN, **ABOUT, state=state, **data)


def test_what_was_seen_how_often_and_what_followed():
    found = trigger_histories(
        [
            seen(1, "quiet"),
            seen(2, "unknown", reason="no answer"),
            seen(3, "fired", reason="rate > 2 (rate = 3)"),
            record(4, EventType.TRIGGER_ANSWERED, trigger="DEP-006", answer="declined", by="alice", note="a spike"),
            record(5, EventType.TRIGGER_WATCHED, looks={"DEP-006": 7, "DEP-009": 1}),
            record(9, EventType.TRIGGER_WATCHED, looks={"DEP-006": 2}),  # of a later attempt
        ]
    )

    at = [STARTED + timedelta(seconds=seconds) for seconds in (1, 2, 3)]
    states = ("did not fire", "cannot be looked at: no answer", "FIRED: rate > 2 (rate = 3)")
    history = TriggerHistory(
        "DEP-006", "errors", "RUN-005", tuple(zip(at, states, strict=True)), 9, "RUN-005 declined, by alice: a spike"
    )
    assert found == (history,)
    assert history.fired
    assert history.in_words == ("DEP-006 errors: FIRED: rate > 2 (rate = 3); RUN-005 declined, by alice: a spike")


def test_a_run_without_triggers_has_none():
    assert trigger_histories([record(1, EventType.STEP_INTENDED, "act", "a")]) == ()
