"""One fold of a run's records: how each attempt ended, what stands now, and whether it proves anything."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from harness.run_records import FIRST, RUN, STARTED, again, aimed, done, ended, moved, record, records, reopened
from hypothesis import given
from hypothesis import strategies as st

from runner.core.events import EventType, Instant
from runner.render import report
from runner.render.history.run_history import PageHistory, histories, history


def now(seconds, boot="boot-1"):
    return Instant(STARTED + timedelta(seconds=seconds), 100.0 + seconds, boot)


def attempts(run):
    return [(attempt.name, attempt.outcome) for attempt in run.attempts]


def outcomes(run):
    return {step.id: dict(step.outcomes) for step in run.steps}


LOOKED = done("look")
UNDONE = done("undo-act")


def test_a_run_is_told_from_its_first_record_to_its_last():
    page = {"contact": "lead", "channel": "webhook", "action": "trigger", "status": "accepted"}
    captured = (EventType.VALUES_CAPTURED, "look", "one", {"values": {"stuck": [1, 2]}})
    end = ended("failed", follow_up=["Sleep"], problems=["No page"])
    run = history(records(aimed("one", "two"), captured, (EventType.PAGE_FINISHED, None, None, page), end))

    assert (run.run, run.runbook, run.title, run.outcome, run.status) == (
        *(RUN, "RUN-001", "Disk is full"),
        *("failed", "finished"),
    )
    assert (run.environment, run.hosts, run.user) == ("staging", ("one", "two"), "alice")
    assert (run.started, run.seconds, run.head) == (STARTED, 4.0, f"4:{'ab' * 32}")
    assert run.facts == {"severity": "P2", "inputs": {"a": 1}, "runbook_sha256": "aa", "playbook_sha256": "bb"}
    assert (run.captured, run.follow_up, run.problems) == ({"one": {"stuck": [1, 2]}}, ("Sleep",), ("No page",))
    assert (run.pages, run.undelivered) == ((PageHistory("lead", "webhook", "trigger", "accepted"),), ())


@pytest.mark.parametrize(
    ("first", "happened", "inputs"),
    [
        ({"inputs": {"a": 1}}, [], {"a": 1}),  # the log of an earlier version
        ({"inputs": {}}, [(EventType.INPUTS_GIVEN, None, None, {"inputs": {"b": 2}})], {"b": 2}),
        ({"inputs": {}}, [], None),
    ],
)
def test_its_inputs_have_a_record_of_their_own(first, happened, inputs):
    run = history(records(*happened, first={**FIRST, **first}))

    assert run.facts.get("inputs") == inputs


@pytest.mark.parametrize(
    ("happened", "outcome", "status"),
    [
        ([], "running", "running"),
        ([(EventType.RUN_ABANDONED, None, None, {"outcome": "unknown"})], "unknown", "abandoned"),
        ([ended("passed")], "passed", "finished"),
        ([(EventType.RUN_FINISHED, None, None, {"cut": "too long"})], "unknown", "finished"),
    ],
)
def test_how_a_run_ended_if_it_did(happened, outcome, status):
    run = history(records(*happened))

    assert (run.outcome, run.status) == (outcome, status)


def test_without_its_start_there_is_no_history():
    with pytest.raises(ValueError, match="^the audit log does not hold the start of that run$"):
        history(records(ended())[1:])
    assert list(histories(records(ended())[1:])) == []


def test_a_run_that_failed_and_was_gone_on_with_has_passed_in_its_second_attempt():
    first = [aimed("one"), *LOOKED, *done("act", outcome="failed"), ended("failed")]
    run = history(records(*first, again(), reopened("act"), *done("act"), ended()))

    assert attempts(run) == [("start", "failed"), ("resume 1", "passed")]
    assert outcomes(run) == {"look": {"one": "passed"}, "act": {"one": "passed"}}
    assert [outcomes(each) for each in run.attempts] == [
        {"look": {"one": "passed"}, "act": {"one": "failed"}},
        {"act": {"one": "passed"}},
    ]
    assert (run.outcome, run.unproven) == ("passed", "")


def test_each_check_knows_its_attempt():
    bad = (EventType.VERIFICATION_FINISHED, "act", "one", {"part": "verify/1", "outcome": "failed"})
    good = (EventType.VERIFICATION_FINISHED, "act", "one", {"part": "verify/1", "outcome": "passed"})
    run = history(records(bad, ended("failed"), again(), good, ended()))

    assert [(check.outcome, check.attempt) for check in run.steps[1].checks] == [("failed", 0), ("passed", 1)]


@pytest.mark.parametrize("outcome", ["undone", "partly undone", "failed"])
def test_a_run_that_passed_and_was_taken_back_has_undone_steps_and_is_no_proof(outcome):
    first = [aimed("one", "two"), *LOOKED, *done("act"), *done("act", "two"), ended()]
    run = history(records(*first, again(take_back=True), *UNDONE, ended(outcome)))

    assert attempts(run) == [("start", "passed"), ("undo", outcome)]
    assert outcomes(run) == {
        "look": {"one": "passed"},
        "act": {"one": "undone", "two": "passed"},
        "undo-act": {"one": "passed"},
    }
    assert (run.outcome, run.unproven) == (outcome, f"it ended as {outcome}")


def test_what_was_taken_back_and_is_done_again_stands():
    first = [aimed("one"), *done("act"), ended(), again(take_back=True), *UNDONE, ended("undone")]
    run = history(records(*first, again(), reopened("act"), *done("act"), ended()))

    assert attempts(run) == [("start", "passed"), ("undo", "undone"), ("resume 1", "passed")]
    assert outcomes(run) == {"look": {}, "act": {"one": "passed"}}
    assert run.unproven == ""


def test_an_undo_that_failed_leaves_the_step_as_it_was():
    run = history(records(*done("act", outcome="failed"), *done("undo-act", outcome="failed"), ended("failed")))

    assert outcomes(run) == {"look": {}, "act": {"one": "failed"}, "undo-act": {"one": "failed"}}


def test_what_was_going_on_when_its_command_died_is_unknown():
    begun = (EventType.STEP_INTENDED, "act", "one", {})

    assert outcomes(history(records(begun), now=now(5)))["act"] == {"one": "running"}
    assert outcomes(history(records(begun)))["act"] == {"one": "unknown"}
    assert outcomes(history(records(begun, again()), now=now(5)))["act"] == {"one": "unknown"}
    died = history(records(begun, again(), reopened("act"), ended("aborted")))
    assert (attempts(died), outcomes(died)["act"]) == ([("start", "unknown"), ("resume 1", "aborted")], {})


@pytest.mark.parametrize("kind", ["manual", "confirm"])
@pytest.mark.parametrize(("by", "unproven"), [("nobody", "nobody did act"), ("alice", "")])
def test_what_nobody_did_is_no_proof(kind, by, unproven):
    answer = {"kind": kind, "part": "action", "outcome": "passed", "by": by}
    asked = (EventType.GATE_ASKED, "act", None, {"kind": kind, "text": "Go", "hosts": ["one"]})
    run = history(records(asked, (EventType.GATE_ANSWERED, "act", None, answer), ended()))

    assert run.unproven == unproven


@pytest.mark.parametrize(
    ("changes", "unproven"),
    [
        ({"mode": "dry-run"}, "it only looked"),
        ({"mode": "preflight"}, "it only looked"),
        ({"playbook_sha256": "cc"}, "it began with one text and ended with another"),
        ({"runbook_sha256": "cc"}, "it began with one text and ended with another"),
        ({}, ""),
    ],
)
def test_a_run_proves_only_what_it_did_and_only_one_text(changes, unproven):
    assert history(records(ended("failed"), again(**changes), ended())).unproven == unproven


def test_an_attempt_that_was_refused_leaves_the_run_as_it_was():
    refused = (EventType.RUN_REFUSED, None, None, {"outcome": "passed", "reason": "not now"})
    again_refused = [again(playbook_sha256="cc"), reopened("act", redo=False), done("act")[2], refused]
    run = history(records(aimed("one"), *done("act"), ended(), *again_refused))

    assert attempts(run) == [("start", "passed"), ("resume 1", "refused")]
    assert (run.outcome, run.status, run.unproven) == ("passed", "finished", "")
    assert (run.attempts[1].problems, run.problems) == (("not now",), ())
    assert outcomes(run)["act"] == {"one": "passed"}


def test_what_is_verified_again_stands_as_it_was_until_then():
    made = records(*done("act"), ended(), again(), reopened("act", redo=False))

    assert outcomes(history(made, now=now(9)))["act"] == {"one": "passed"}


def test_a_run_that_goes_on_is_no_proof_yet():
    assert history(records(ended(), again())).unproven == "it has not ended"


def test_a_page_that_arrived_later_was_delivered():
    bad = {"contact": "lead", "channel": "webhook", "action": "trigger", "status": "refused"}
    pages = [(EventType.PAGE_FINISHED, None, None, {**bad, **changes}) for changes in ({}, {"contact": "boss"})]

    assert history(records(*pages)).unreached == ("lead", "boss")
    good = (EventType.PAGE_FINISHED, None, None, {**bad, "status": "accepted"})
    assert history(records(*pages, good)).unreached == ("boss",)


def test_a_question_that_nobody_has_answered():
    asked = (EventType.GATE_ASKED, "act", None, {"kind": "approve", "text": "Go?"})
    answered = (EventType.GATE_ANSWERED, "act", None, {"kind": "approve", "outcome": "passed"})

    assert history(records(asked), now=now(9)).waiting == "approve: Go?"
    assert history(records(asked, answered), now=now(9)).waiting == ""
    assert history(records(asked, ended("aborted"))).waiting == ""


def test_parents_and_children_of_a_handover():
    over = (EventType.RUN_HANDED_OVER, "act", None, {"to": "RUN-010", "as_run": "run-2"})
    run = history(records(over, ended("failed"), first={"runbook": "RUN-001", "parent": "run-0"}))

    assert (run.parent, run.children) == ("run-0", ("run-2",))


def test_who_went_past_the_guards():
    broken = {"by": "alice", "reason": "alone", "overrides": ["a window"]}
    run = history(records((EventType.GLASS_BROKEN, None, None, broken)))

    assert run.glass == ("alice broke the glass: alone (past a window)",)


def test_the_time_between_two_attempts_does_not_count_and_neither_does_a_clock_that_is_set():
    made = [*records(ended("failed")), record(500, EventType.RUN_RESUMED), record(503, EventType.RUN_FINISHED)]
    jumped = Instant(STARTED - timedelta(hours=1), 160.0, "boot-1")
    rebooted = Instant(STARTED + timedelta(hours=1), 5.0, "boot-2")

    assert history(made).seconds == 4.0
    assert [history(records(), now=each).seconds for each in (jumped, rebooted)] == [60.0, 3600.0]


def test_the_runs_of_a_log_in_the_order_in_which_they_began():
    mixed = [
        each
        for pair in zip(records(ended(), run="run-2"), records(ended("failed"), run="run-1"), strict=True)
        for each in pair
    ]

    assert [(run.run, run.outcome) for run in histories(mixed)] == [("run-2", "passed"), ("run-1", "failed")]


JUNK = (
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.text(max_size=5) | st.none(), max_size=2)
    | st.just({"x": [1]})
)
KEYS = ["part", "outcome", "reason", "trend", "values", "kind", "by", "hosts", "environment", "steps", "undo", "cut", "title", "runbook", "follow_up", "problems", "contact", "status", "inputs", "verify", "result", "evidence", "commands", "seen", "redo", "provenance", "place", "command"]  # fmt: skip
DATA = st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=5)


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
    made = [moved(each, truncated=True) for each in records(*happened, first=first)]
    # When they are told
    run = history(made, now=now(60))
    # Then there is a report in every format
    assert all(report.render(run, form) for form in report.FORMATS)
    assert json.loads(report.render(run, "json"))["outcome"] == run.outcome
