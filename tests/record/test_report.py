"""The report of a run says what the records say, and nothing else."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.events import Event, EventType
from runner.record import report
from runner.record.audit_log import Actor, read
from runner.record.envelope import Record
from runner.record.report import Check, Moment, StepReport

RUN = "20260101T000000Z-0123abcd"
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = Actor(user="alice", host="controller", pid=1, tool_version="0.1.0")
FIRST = {
    "runbook": "RUN-001",
    "title": "Disk is full",
    "severity": "P2",
    "inputs": {"a": 1},
    "steps": [
        {"id": "look", "name": "Look", "effect": "read", "verify": ["It is there", "A person agrees"]},
        {"id": "never", "name": "Never", "effect": "change", "verify": ["It is done"]},
    ],
    "undo": [
        {"id": "undo-look", "name": "Undo: Look", "effect": "read", "verify": ["It is gone"]},
        {"id": "undo-never", "name": "Undo: Never", "effect": "change", "verify": ["It is gone"]},
    ],
}


def records(*happened, boot="boot-1", truncated=False):
    """A record for each (type, step, host, data), a second apart, after the first."""
    told = [(EventType.RUN_STARTED, None, None, FIRST), *happened]
    return [
        Record(
            seq=number,
            time=STARTED + timedelta(seconds=number),
            monotonic=100.0 + number,
            boot="boot-1" if number == 0 else boot,
            type=kind,
            run=RUN,
            step=step,
            host=host,
            data=data,
            actor=ACTOR,
            truncated=truncated,
            hash="ab" * 32,
        )
        for number, (kind, step, host, data) in enumerate(told)
    ]


def whole():
    verified = {"part": "verify/1", "outcome": "failed", "reason": "row.a < 7 is not true", "trend": ["[9]", "[8]"]}
    return records(
        (EventType.TARGET_RESOLVED, None, None, {"environment": "lab", "hosts": ["one", "two"]}),
        (EventType.STEP_INTENDED, "look", "one", {}),
        (EventType.ACTION_FINISHED, "look", "one", {"part": "action", "outcome": "passed"}),
        (EventType.ACTION_FINISHED, "look", "two", {"part": "action", "outcome": "unreachable", "reason": "No route"}),
        (EventType.VALUES_CAPTURED, "look", "one", {"values": {"stuck": [1, 2]}}),
        (EventType.VERIFICATION_FINISHED, "look", "one", verified),
        (
            EventType.GATE_ANSWERED,
            "look",
            None,
            {"kind": "confirm", "part": "verify/2", "outcome": "passed", "by": "bob", "note": "so"},
        ),
        (EventType.STEP_FINISHED, "look", "one", {"outcome": "failed"}),
        (EventType.STEP_FINISHED, "look", "two", {"outcome": "unreachable"}),
        (EventType.VERIFICATION_FINISHED, "undo-look", "one", {"part": "verify/1", "outcome": "passed"}),
        (EventType.STEP_FINISHED, "undo-look", "one", {"outcome": "passed"}),
        (
            EventType.PAGE_FINISHED,
            None,
            None,
            {"contact": "lead", "channel": "webhook", "action": "trigger", "status": "accepted"},
        ),
        (EventType.RUN_FINISHED, None, None, {"outcome": "failed", "follow_up": ["Sleep"], "problems": ["No page"]}),
    )


def test_a_run_is_told_from_its_first_record_to_its_last():
    told = report.summarise(whole())
    assert (told.run, told.runbook, told.title, told.outcome) == (RUN, "RUN-001", "Disk is full", "failed")
    assert (told.environment, told.hosts, told.user, told.controller) == ("lab", ("one", "two"), "alice", "controller")
    assert (told.started, told.duration, told.head) == ("2026-01-01T00:00:00.000Z", "13.0s", f"13:{'ab' * 32}")
    assert told.facts == {"severity": "P2", "inputs": {"a": 1}}
    assert (told.captured, told.follow_up, told.problems) == ({"one": {"stuck": [1, 2]}}, ("Sleep",), ("No page",))
    assert told.pages == ({"contact": "lead", "channel": "webhook", "action": "trigger", "status": "accepted"},)


def test_each_step_has_its_outcomes_and_its_checks():
    look, never, undo = report.summarise(whole()).steps
    assert look == StepReport(
        id="look",
        name="Look",
        effect="read",
        hosts={"one": "failed", "two": "unreachable"},
        checks=(
            Check(0, "The action", "two", "unreachable", "No route"),
            Check(1, "It is there", "one", "failed", "row.a < 7 is not true", ("[9]", "[8]")),
            Check(2, "A person agrees", "", "passed", "bob: so"),
        ),
    )
    assert (look.outcome, never.outcome, undo.outcome) == ("1 failed, 1 unreachable", "never reached", "passed")
    assert (never.checks, undo.checks) == ((), (Check(1, "It is gone", "one", "passed"),))


def test_the_timeline_says_what_happened_where_and_when():
    timeline = report.summarise(whole()).timeline
    assert timeline[0] == Moment("2026-01-01T00:00:00.000Z", "0.0s", "run started")
    assert timeline[3] == Moment(
        "2026-01-01T00:00:06.000Z", "6.0s", "verified", "look on one", "failed: row.a < 7 is not true"
    )
    assert [moment.what for moment in timeline] == [
        *("run started", "hosts resolved", "began", "verified", "answered", "ended", "ended", "verified", "ended"),
        *("page", "run finished"),
    ]


@pytest.mark.parametrize(
    ("happened", "outcome"),
    [
        ([], "running"),
        ([(EventType.RUN_ABANDONED, None, None, {"outcome": "unknown"})], "unknown"),
        ([(EventType.RUN_FINISHED, None, None, {"outcome": "passed"})], "passed"),
        ([(EventType.RUN_FINISHED, None, None, {"cut": "too long"})], "unknown"),
    ],
)
def test_how_a_run_ended_if_it_did(happened, outcome):
    assert report.summarise(records(*happened)).outcome == outcome


def test_without_its_start_there_is_no_report():
    with pytest.raises(ValueError, match="^the audit log does not hold the start of that run$"):
        report.summarise(whole()[1:])


@pytest.mark.parametrize(("seconds", "shown"), [(0.04, "0.0s"), (59.94, "59.9s"), (61.3, "1m1s"), (7200.0, "2h")])
def test_how_long_it_took(seconds, shown):
    first, last = records((EventType.RUN_FINISHED, None, None, {}))
    assert report._since(first, _moved(last, monotonic=100.0 + seconds)) == shown


def test_the_wall_clock_counts_only_across_a_reboot():
    first, last = records((EventType.RUN_FINISHED, None, None, {}))
    jumped = _moved(last, time=STARTED + timedelta(hours=1), monotonic=102.0)
    assert report._since(first, jumped) == "2.0s"
    assert report._since(first, _moved(jumped, boot="boot-2")) == "1h"


def _moved(record, **changes):
    return Record(**{**asdict(record), "actor": record.actor, **changes})


def test_a_gate_that_nobody_gave_a_name_is_told_by_its_kind():
    answers = [
        (EventType.GATE_ANSWERED, "look", None, {"kind": kind, "part": part, "outcome": "passed", "by": "bob"})
        for kind, part in (("approve", "approve"), ("manual", "action"))
    ]
    assert [check.says for check in report.summarise(records(*answers)).steps[0].checks] == ["Approved", "Done by hand"]


def test_a_tick_is_not_told_twice():
    tick = {"id": "prerequisite-1", "name": "Somebody is there", "effect": "read", "verify": ["Somebody is there"]}
    answer = {"kind": "confirm", "part": "verify/1", "outcome": "passed", "by": "bob"}
    made = records((EventType.GATE_ANSWERED, "prerequisite-1", None, answer))
    made[0] = _moved(made[0], data={**FIRST, "steps": [tick]})
    assert report.summarise(made).steps[0].checks == (Check(1, "Confirmed", "", "passed", "bob"),)


def test_what_was_done_under_a_name_that_was_lost_is_told_too():
    made = records((EventType.STEP_FINISHED, "look", "one", {"outcome": "passed"}))
    made[0] = _moved(made[0], data={"cut": "[cut: 99999 characters]"})
    told = report.summarise(made)
    assert (told.runbook, told.title, told.facts) == ("", "", {})
    assert told.steps == (StepReport(id="look", name="look", effect="", hosts={"one": "passed"}),)


JUNK = (
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.text(max_size=5) | st.none(), max_size=2)
    | st.just({"x": [1]})
)
KEYS = ["part", "outcome", "reason", "trend", "values", "kind", "by", "hosts", "environment", "steps", "undo", "cut", "title", "runbook", "follow_up", "problems", "contact", "status", "inputs", "verify"]  # fmt: skip
DATA = st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=5)


@settings(deadline=None, max_examples=60)
@given(
    DATA,
    st.lists(
        st.tuples(
            st.sampled_from(list(EventType)),
            st.sampled_from([None, "look", "lost"]),
            st.sampled_from([None, "one"]),
            DATA,
        ),
        max_size=6,
    ),
)
def test_records_that_lost_their_values_are_no_hindrance(first, happened):
    # Given records of which anything may have been cut
    made = records(*happened, truncated=True)
    made[0] = _moved(made[0], data={"run": RUN, **first})
    # When they are told
    told = report.summarise(made)
    # Then there is a report in every format
    assert all(report.render(told, form) for form in report.FORMATS)


def test_a_record_that_was_too_long_for_the_log_is_told_by_its_cut(new_log, actor):
    # Given a log in which values were too long
    huge = {"values": {f"name_{number}": "x" * 2000 for number in range(200)}}
    with new_log() as log:
        log.append(
            Event(EventType.RUN_STARTED, RUN, data=FIRST),
            Event(EventType.VALUES_CAPTURED, RUN, "look", "one", huge),
        )
        path = log.path
    # When it is told
    told = report.summarise(read(path, run=RUN))
    # Then what is there is a note of it
    (name,), (value,) = told.captured["one"].keys(), told.captured["one"].values()
    assert (name, value.startswith("[cut: ")) == ("", True)
    assert "cut: " in report.render(told, "md")


def test_a_report_is_written_in_every_format(tmp_path):
    told = report.summarise(whole())
    assert report.write(told, tmp_path) == tmp_path / "report.html"
    for form in report.FORMATS:
        assert (tmp_path / f"report.{form}").read_text(encoding="utf-8") == report.render(told, form)


def test_json_says_all_of_it():
    told = report.summarise(whole())
    assert json.loads(report.render(told, "json")) == json.loads(json.dumps(asdict(told)))
