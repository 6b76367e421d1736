"""What became of each step: its outcomes, its checks, what it did, and how long machines worked on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from harness.run_records import FIRST, STARTED, again, done, ended, record, records

from runner.core.events import EventType, Instant
from runner.render.history.step_fold import StepFold
from runner.render.history.step_history import Action, Check, HostHistory


def steps(made, *, now=None, touched=False):
    fold = StepFold(made[0].data)
    for each in made:
        fold.add(each)
    return {step.id: step for step in fold.steps(now=now, touched=touched)}


def at(seconds):
    return Instant(STARTED + timedelta(seconds=seconds), 100.0 + seconds, "boot-1")


def test_an_attempt_that_was_followed_by_another_is_told_as_well():
    failed = {"part": "attempt/1", "outcome": "failed", "reason": "exit code 3"}
    found = steps(
        records(
            (EventType.STEP_INTENDED, "look", "one", {}),
            (EventType.ATTEMPT_FINISHED, "look", "one", failed),
            (EventType.ACTION_FINISHED, "look", "one", {"part": "action", "outcome": "passed"}),
            (EventType.STEP_FINISHED, "look", "one", {"outcome": "passed"}),
        )
    )

    assert (found["look"].outcome, found["look"].checks) == (
        "passed",
        (Check(0, "Attempt 1", "one", "failed", "exit code 3"),),
    )


def test_each_step_has_its_outcomes_and_its_checks():
    seen = {"exit_code": 3, "values": {"row.a": "9"}}
    verified = {"part": "verify/1", "outcome": "failed", "reason": "row.a < 7 is not true", "trend": ["[9]", "[8]"]}
    answer = {"kind": "confirm", "part": "verify/2", "outcome": "passed", "by": "bob", "note": "so"}
    found = steps(
        records(
            (EventType.STEP_INTENDED, "look", "one", {}),
            (EventType.ACTION_FINISHED, "look", "one", {"part": "action", "outcome": "passed"}),
            (EventType.ACTION_FINISHED, "look", "two", {"outcome": "unreachable", "reason": "No route"}),
            (EventType.VERIFICATION_FINISHED, "look", "one", {**verified, "seen": seen}),
            (EventType.GATE_ANSWERED, "look", None, answer),
            (EventType.GATE_ANSWERED, "look", None, {**answer, "kind": "choose", "part": "action", "note": "one: 7"}),
            (EventType.STEP_FINISHED, "look", "one", {"outcome": "failed"}),
            (EventType.STEP_FINISHED, "look", "two", {"outcome": "unreachable"}),
        )
    )

    assert found["look"].checks == (
        Check(0, "The action", "two", "unreachable", "No route"),
        Check(1, "It is there", "one", "failed", "row.a < 7 is not true", ("[9]", "[8]"), ("row.a = 9", "exit code 3")),
        Check(2, "A person agrees", "", "passed", "bob: so"),
        Check(0, "Chosen", "", "passed", "bob: one: 7"),
    )
    assert (found["look"].outcome, found["act"].outcome) == ("1 failed, 1 unreachable", "never reached")
    assert (found["act"].hosts, found["act"].place) == ({}, "RUN-001.yml:12")


def test_what_a_step_did_on_a_host():
    result = {"rc": 42, "stdout": "starting\n", "stderr": "disk full on /var\n", "msg": "non-zero return code"}
    evidence = {"file": "evidence/00001-act-one-action.json", "sha256": "aa"}
    made = records(*done("act", outcome="failed", result=result, evidence=evidence))
    made[1].data["command"] = "df /var"

    assert steps(made)["act"].hosts == {
        "one": HostHistory(
            "failed",
            Action(
                "failed",
                "df /var",
                42,
                "starting\ndisk full on /var",
                "evidence/00001-act-one-action.json",
            ),
        )
    }


def test_what_was_shown_is_the_command_of_a_step_that_nobody_told_of():
    asked = (EventType.GATE_ASKED, "act", None, {"kind": "approve", "commands": {"one": "rm /x"}})

    assert steps(records(asked, *done("act")))["act"].hosts["one"].action == Action("passed", "rm /x")
    assert steps(records(asked, done("act")[0]), now=at(9))["act"].hosts["one"] == HostHistory(
        "running", Action("", "rm /x")
    )
    denied = steps(records(asked, (EventType.STEP_FINISHED, "act", "one", {"outcome": "aborted"})))["act"].hosts["one"]
    assert (denied.action.ended, Action("", "rm /x").ended) == ("not begun", "started")


@pytest.mark.parametrize("file", ["javascript:alert(1)", "../../etc/passwd", "evidence/../x/y", ["a"]])
def test_evidence_that_lies_elsewhere_is_not_linked(file):
    made = records(*done("act", evidence={"file": file}))

    assert steps(made)["act"].hosts["one"].action.evidence == ""


def test_a_gate_that_nobody_gave_a_name_is_told_by_its_kind():
    answers = [
        (EventType.GATE_ANSWERED, "look", None, {"kind": kind, "part": part, "outcome": "passed", "by": "bob"})
        for kind, part in (("approve", "approve"), ("manual", "action"))
    ]

    assert [check.says for check in steps(records(*answers))["look"].checks] == ["Approved", "Done by hand"]


def test_a_tick_is_not_told_twice():
    tick = {"id": "prerequisite-1", "name": "Somebody is there", "verify": ["Somebody is there"]}
    answer = {"kind": "confirm", "part": "verify/1", "outcome": "passed", "by": "bob"}
    made = records((EventType.GATE_ANSWERED, "prerequisite-1", None, answer), first={**FIRST, "steps": [tick]})

    assert steps(made)["prerequisite-1"].checks == (Check(1, "Confirmed", "", "passed", "bob"),)


def test_what_was_done_under_a_name_that_was_lost_is_told_too():
    found = steps(records(*done("look"), first={"cut": "[cut: 99999 characters]"}))

    assert [(step.id, step.name, dict(step.outcomes)) for step in found.values()] == [
        ("look", "look", {"one": "passed"})
    ]


def test_a_debt_of_another_runbook_is_no_step_of_this_one():
    assert list(steps(records((EventType.DEBT_FOUND, "elsewhere", "one", {"runbook": "RUN-009"})))) == ["look", "act"]


def test_only_what_an_attempt_touched():
    made = records(again(take_back=True), *done("undo-act"))

    assert list(steps(made, touched=True)) == ["undo-act"]
    assert list(steps(made)) == ["look", "act", "undo-act"]


def intended(seconds, host="one", step="act"):
    return record(seconds, EventType.STEP_INTENDED, step, host)


def finished(seconds, host="one", step="act"):
    return record(seconds, EventType.STEP_FINISHED, step, host, outcome="passed")


START = record(0, EventType.RUN_STARTED, **FIRST)
ASKED = [record(2, EventType.GATE_ASKED, "act"), record(602, EventType.GATE_ANSWERED, "act", outcome="passed")]


@pytest.mark.parametrize(
    ("made", "now", "seconds"),
    [
        ([intended(1), finished(11)], None, 10.0),
        ([intended(1), intended(1, "two"), finished(3), finished(5, "two")], None, 4.0),
        ([intended(1), finished(3), intended(13, "two"), finished(14, "two")], None, 3.0),
        ([intended(1), *ASKED, finished(604)], None, 3.0),
        ([ASKED[0]], at(60), None),
        ([intended(1), ASKED[0]], at(60), 1.0),
        ([intended(1)], at(61), 60.0),
        ([intended(1)], None, None),
        ([ASKED[0], ASKED[1], finished(603)], None, None),
        ([intended(1), record(2, EventType.RUN_RESUMED), finished(903)], None, None),
        ([intended(1), finished(9), record(10, EventType.RUN_RESUMED), *[record(20, EventType.STEP_REOPENED, "act", hosts=["one"], redo=True)], intended(21), finished(23)], None, 2.0),
    ],
    ids=[
        *("one host", "two at once", "in batches", "a person thinks", "only asked", "asked and going", "going"),
        *("never ended", "by hand", "ended by a resume", "done again"),
    ],
)  # fmt: skip
def test_how_long_machines_worked_on_a_step(made, now, seconds):
    assert steps([START, *made], now=now)["act"].seconds == seconds


def test_a_step_that_is_undone_stays_undone_whatever_closes_it():
    closed = (EventType.STEP_FINISHED, "act", "one", {"outcome": "unknown"})

    assert steps(records(done("act")[0], *done("undo-act"), closed, ended("undone")))["act"].outcome == "undone"
