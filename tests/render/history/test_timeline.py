"""The timeline says what happened where and when."""

from __future__ import annotations

from datetime import timedelta

from harness.run_records import STARTED, ended, record, records

from runner.core.events import EventType
from runner.render.history.timeline import Moment, timeline


def test_what_people_want_to_know_in_words():
    verified = {"part": "verify/1", "outcome": "failed", "reason": "row.a < 7 is not true"}
    made = records(
        (EventType.SPAN_STARTED, None, None, {}),
        (EventType.VERIFICATION_FINISHED, "look", "one", verified),
        (EventType.RUN_HANDED_OVER, "look", None, {"to": "RUN-010", "as_run": "run-2"}),
        ended("failed"),
    )

    assert timeline(made) == (
        Moment(STARTED, 0.0, "run started"),
        Moment(STARTED + timedelta(seconds=2), 2.0, "checked", "Look on one", "failed: row.a < 7 is not true"),
        Moment(STARTED + timedelta(seconds=3), 3.0, "handed over", "Look", "RUN-010: run-2"),
        Moment(STARTED + timedelta(seconds=4), 4.0, "run finished", "", "failed"),
    )


def test_a_page_says_to_whom_by_what_and_what_became_of_it():
    page = {"action": "trigger", "contact": "on-call", "channel": "slack", "status": "refused", "reason": "no token"}

    (_, sent) = timeline(records((EventType.PAGE_FINISHED, None, None, page)))

    assert (sent.what, sent.detail) == ("page", "trigger to on-call by slack: refused: no token")


def test_a_word_of_a_later_version_is_left_out():
    assert len(timeline([*records(), record(1, "run.teleported")])) == 1
