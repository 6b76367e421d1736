"""Each run is one line, whatever the record still has of it."""

from __future__ import annotations

import pytest
from fakes import RUN_ID

from runner.events import EventType
from runner.site.history import Run, history


@pytest.fixture
def started(make_record):
    return make_record(EventType.RUN_STARTED, RUN_ID, runbook="RUN-001")


def test_a_run_with_all_that_is_told_of_it(make_told):
    first = [*make_told("a", "RUN-001", "passed", day=2)]
    second = [*make_told("b", "RUN-002", "failed", day=1, user="bob")]

    assert history([*first, *second]) == (
        Run("b", "RUN-002", second[0].time, "bob", "staging", "failed", "1m30s"),
        Run("a", "RUN-001", first[0].time, "alice", "staging", "passed", "1m30s"),
    )


def test_a_run_that_never_ended_and_one_that_was_abandoned(started, make_record):
    left = make_record(EventType.RUN_ABANDONED, RUN_ID, outcome="unknown")

    assert [run.outcome for run in history([started])] == ["not ended"]
    assert [run.outcome for run in history([started, left])] == ["abandoned"]


@pytest.mark.parametrize(("mode", "looks"), [("dry-run", True), ("preflight", True), ("normal", False)])
def test_a_run_that_only_looked_is_told_from_one_that_did_something(make_record, mode, looks):
    (run,) = history([make_record(EventType.RUN_STARTED, RUN_ID, runbook="RUN-001", mode=mode)])

    assert run.looks is looks


def test_what_has_no_beginning_is_no_run(make_record):
    assert history([make_record(EventType.RUN_FINISHED, RUN_ID, outcome="passed")]) == ()


def test_a_run_that_is_gone_on_with_is_one_run_with_its_last_outcome(make_told):
    records = [*make_told("a", "RUN-001", "failed", day=2), *make_told("a", "RUN-001", "passed", day=1)]

    assert [(run.run, run.started, run.outcome) for run in history(records)] == [("a", records[0].time, "passed")]


def test_a_clock_that_went_back_is_no_negative_time(started, make_record):
    ended = make_record(EventType.RUN_FINISHED, RUN_ID, day=3, outcome="passed")

    assert history([started, ended])[0].took == "0s"
