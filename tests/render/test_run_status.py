"""Where a run stands, how long its steps usually take, and how much of its time is used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.run_records import FIRST, STARTED, again, done, record

from runner.core.events import EventType, Instant
from runner.render.history.run_history import histories, history
from runner.render.run_status import PageStatus, RunStatus, StepStatus, status, usual


def story(run="run-1", *, took=10.0, outcome="passed", mode="run"):
    return [
        record(0, EventType.RUN_STARTED, run=run, **{**FIRST, "budget": 900.0, "mode": mode}),
        record(1, EventType.STEP_INTENDED, "look", "a", run=run),
        record(1 + took, EventType.STEP_FINISHED, "look", "a", run=run, outcome=outcome),
    ]


def now(seconds):
    return Instant(STARTED + timedelta(seconds=seconds), 100.0 + seconds, "boot-1")


def test_a_run_that_is_going_on():
    told = [*story(), record(12, EventType.STEP_INTENDED, "act", "a"), record(13, EventType.STEP_INTENDED, "act", "b")]

    assert status(history(told, now=now(192)), usually={"act": 40.0}) == RunStatus(
        outcome="running",
        attempt="start",
        used=192.0,
        budget=900.0,
        waiting="",
        undelivered=(),
        undelivered_pages=(),
        calls=(),
        tickets=(),
        not_called=(),
        missing=(),
        acknowledged="",
        ended_by="",
        asks_again=False,
        steps=(
            StepStatus("look", "Look", {"a": "passed"}, 10.0, None),
            StepStatus("act", "Act", {"a": "running", "b": "running"}, 180.0, 40.0),
        ),
    )


def test_a_run_that_has_ended_has_nothing_running():
    told = [*story(), record(12, EventType.STEP_INTENDED, "act", "a"), record(20, EventType.RUN_ABANDONED)]

    found = status(history(told), usually={})

    assert (found.used, found.steps[1]) == (20.0, StepStatus("act", "Act", {"a": "unknown"}, None, None))


def test_who_was_not_reached():
    page = record(2, EventType.PAGE_FINISHED, contact="lead", channel="webhook", action="trigger", status="refused")

    assert status(history([*story(), page]), usually={}).undelivered == ("lead",)


PAGE = {"notification": "n1", "contact": "lead", "level": "L2", "channel": "webhook", "action": "trigger"}
ASKED = PageStatus(
    **{name: PAGE[name] for name in ("contact", "level", "channel", "action", "notification")},
    at=STARTED + timedelta(seconds=2),
    status="requested",
    arrived=False,
    reason="",
)


@pytest.mark.parametrize(
    ("more", "call", "waits"),
    [
        ([], {"reason": "nothing is recorded of what became of it"}, True),
        ([("page.finished", {"status": "deferred", "reason": "503"})], {"status": "deferred", "reason": "503"}, True),
        (
            [("page.finished", {"status": "deferred"}), ("page.finished", {"status": "accepted", "reason": "202"})],
            {"status": "accepted", "arrived": True, "reason": "202", "notification": ""},
            False,
        ),
        (
            [("page.finished", {"status": "refused"}), ("notify.dropped", {"reason": "by telephone"})],
            {"status": "dropped", "reason": "by telephone", "notification": ""},
            False,
        ),
    ],
)
def test_who_was_called_by_what_and_what_became_of_it_is_one_line_for_each(more, call, waits):
    told = [record(2, EventType.NOTIFY_REQUESTED, **PAGE)]
    told += [record(3 + number, EventType(kind), **PAGE, **data) for number, (kind, data) in enumerate(more)]

    found = status(history([*story(), *told]), usually={})

    (called,) = found.calls
    assert replace(called, at=ASKED.at) == replace(ASKED, **call)
    assert [page.notification for page in found.undelivered_pages] == ["n1"] * waits


def test_whoever_was_not_called_at_that_hour_is_named_with_who_was():
    over = record(2, EventType.CONTACT_PASSED_OVER, contact="day", hours="mon-fri 08:00-18:00 UTC", instead="lead")

    assert status(history([*story(), over, over]), usually={}).not_called == (
        "day is called mon-fri 08:00-18:00 UTC only; lead instead",
    )


def test_whoever_had_the_incident_is_asked_again_when_a_later_attempt_had_news():
    page = {"contact": "lead", "channel": "slack", "action": "trigger", "dedup_key": "k"}
    first = [record(21, EventType.INCIDENT_ACKNOWLEDGED, by="bob"), record(22, EventType.RUN_RESUMED)]
    news = record(23, EventType.NOTIFY_REQUESTED, **{**page, "action": "progress"})
    taken = record(24, EventType.INCIDENT_ACKNOWLEDGED, by="ann")

    told = [[*story(), *first], [*story(), *first, news], [*story(), *first, news, taken]]
    found = [status(history(each, now=now(30)), usually={}) for each in told]

    assert [(each.acknowledged[:3], each.asks_again) for each in found] == [("bob", False), ("", True), ("ann", False)]


def test_a_ticket_stands_there_once_with_its_key_and_address():
    asked = {"contact": "backlog", "channel": "github", "action": "ticket", "notification": "t1"}
    told = [
        record(2, EventType.NOTIFY_REQUESTED, **asked),
        record(3, EventType.PAGE_FINISHED, **asked, status="deferred", reason="answered 503"),
        record(4, EventType.PAGE_FINISHED, **asked, status="accepted", reason="opened: 7, https://github.com/t/o/7"),
    ]

    (ticket,) = status(history([*story(), *told]), usually={}).tickets

    assert (ticket.contact, ticket.arrived, ticket.reason) == ("backlog", True, "opened: 7, https://github.com/t/o/7")


def test_how_long_a_step_usually_takes_is_the_median_of_the_attempts_in_which_it_passed():
    runs = [story(f"run-{took}", took=took) for took in (10.0, 30.0, 20.0)]
    failed = story("run-x", took=500.0, outcome="failed")
    looked = story("run-z", took=700.0, mode="dry-run")
    other = [record(0, EventType.RUN_STARTED, run="run-y", runbook="RUN-002"), *story("run-y", took=900.0)[1:]]

    found = histories(each for told in [*runs, failed, looked, other] for each in told)

    assert usual(found, "RUN-001") == {"look": 20.0}


def test_a_resume_hours_later_and_a_person_who_thinks_are_no_usual_time():
    kind, step, host, data = done("look", "a")[2]
    resumed = [*story()[:2], record(7200, again()[0], **again()[3]), record(7201, kind, step, host, **data)]
    asked = [
        *story()[:2],
        record(3, EventType.GATE_ASKED, "look"),
        record(3600, EventType.GATE_ANSWERED, "look", outcome="passed"),
        record(3602, kind, step, host, **data),
    ]

    assert usual([history(resumed)], "RUN-001") == {}
    assert usual([history(asked)], "RUN-001") == {"look": 4.0}
