"""Whether a page arrived is known by its latest attempt; one that was only requested has not arrived."""

from __future__ import annotations

import pytest
from harness.run_records import RUN, records

from runner.core.events import EventType
from runner.render.history.page_history import REQUESTED, ended_by, page_histories, undelivered

ASKED, DONE, DROPPED = EventType.NOTIFY_REQUESTED, EventType.PAGE_FINISHED, EventType.NOTIFY_DROPPED


def folded(*events):
    made = [
        (kind, None, None, {"contact": "lead", "channel": "sms", "action": "trigger", "notification": name, **more})
        for kind, name, more in events
    ]
    return page_histories(records(*made))


@pytest.mark.parametrize(
    ("events", "statuses", "open_ones"),
    [
        ([(ASKED, "a", {})], [REQUESTED], ["a"]),
        ([(ASKED, "a", {}), (DONE, "a", {"status": "accepted"})], ["accepted"], []),
        ([(ASKED, "a", {}), (DONE, "a", {"status": "deferred"})], ["deferred"], ["a"]),
        (
            [(ASKED, "a", {}), (DONE, "a", {"status": "deferred"}), (DONE, "a", {"status": "accepted"})],
            ["deferred", "accepted"],
            [],
        ),
        ([(ASKED, "a", {}), (ASKED, "b", {}), (DONE, "b", {"status": "accepted"})], [REQUESTED, "accepted"], ["a"]),
        (
            [(ASKED, "a", {}), (DONE, "a", {"status": "accepted"}), (ASKED, "a", {"action": "resolve"})],
            ["accepted", REQUESTED],
            ["a"],
        ),
        ([(ASKED, "a", {}), (DROPPED, "a", {"reason": "by telephone"})], [REQUESTED], []),
        ([(ASKED, "a", {}), (DONE, "a", {"status": "skipped"})], ["skipped"], []),
    ],
)
def test_what_became_of_pages(events, statuses, open_ones):
    pages = folded(*events)

    assert [page.status for page in pages] == statuses
    assert [page.notification for page in undelivered(pages)] == open_ones


def test_why_a_page_was_given_up_is_known():
    (page,) = folded((DONE, "a", {"status": "refused"}), (DROPPED, "a", {"reason": "by telephone"}))

    assert (page.status, page.dropped, page.is_open) == ("refused", "by telephone", False)


@pytest.mark.parametrize(
    ("events", "run"),
    [
        ([], ""),
        ([(EventType.INCIDENT_OVER, {"as_run": "later"})], "later"),
        ([(EventType.INCIDENT_OVER, {"as_run": "later"}), (ASKED, {"action": "trigger"})], ""),  # it was resumed
        ([(EventType.INCIDENT_OVER, {"as_run": "later"}), (ASKED, {"action": "ticket"})], "later"),
        ([(EventType.RUN_FINISHED, {"outcome": "passed"})], ""),  # of which its outcome says enough
        ([(EventType.RUN_FINISHED, {"outcome": "passed"}), (EventType.RUN_RESUMED, {})], RUN),
        ([(EventType.RUN_FINISHED, {"outcome": "failed"}), (EventType.RUN_RESUMED, {})], ""),
    ],
)
def test_which_later_run_has_ended_the_incident(events, run):
    called = (ASKED, None, None, {"action": "trigger"})

    assert ended_by(records(called, *((kind, None, None, data) for kind, data in events))) == run
