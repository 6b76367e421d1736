"""One sentence says what happened in a run, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from harness.run_records import STARTED, again, aimed, done, ended, records, reopened

from runner.core.events import EventType, Instant
from runner.render.history.headline import headline
from runner.render.history.run_history import history

LATER = Instant(STARTED + timedelta(seconds=60), 160.0, "boot-1")
FAILED = [
    *done("look"),
    (EventType.STEP_INTENDED, "act", "one", {}),
    (EventType.VERIFICATION_FINISHED, "act", "one", {"part": "verify/1", "outcome": "failed", "reason": "rc is 42"}),
    (EventType.STEP_FINISHED, "act", "one", {"outcome": "failed"}),
]
BOTH_FAILED = [
    *done("look"),
    *(
        (kind, "act", host, data | {"outcome": "failed"})
        for host, data in (("one", {"part": "verify/1", "reason": "rc is 1"}), ("two", {"reason": "rc is 2"}))
        for kind in (EventType.VERIFICATION_FINISHED, EventType.STEP_FINISHED)
    ),
]
PASSED = [*done("look"), *done("act")]
TAKEN_BACK = [again(take_back=True), *done("undo-act"), ended("undone")]
REQUESTED = (EventType.NOTIFY_REQUESTED, None, None, {"contact": "dba", "channel": "sms", "notification": "1"})
PAGE = (EventType.PAGE_FINISHED, None, None, {"contact": "lead", "channel": "sms", "status": "refused"})


@pytest.mark.parametrize(
    ("happened", "said"),
    [
        ([*PASSED, ended()], "All 2 steps passed on one."),
        (
            [*PASSED, ended(), again(), (EventType.RUN_REFUSED, None, None, {"outcome": "passed"})],
            "2 attempts: start ended as passed, then resume 1, which was refused. All 2 steps passed on one.",
        ),
        ([*FAILED, ended("failed")], "Step 2 of 2, Act (RUN-001.yml:12), ended as failed on one: rc is 42."),
        (
            [*FAILED, ended("failed"), *TAKEN_BACK[:-1], ended("partly undone", happened="Look stays: it has no `undo:`")],
            "2 attempts: start ended as failed, then undo. Not everything was undone: Look stays: it has no `undo:`. "
            "Undone: Act.",
        ),
        (
            [(EventType.STEP_FINISHED, "look", "one", {"outcome": "skipped"}), *FAILED[3:], ended("failed")],
            "Step 2 of 2, Act (RUN-001.yml:12), ended as failed on one: rc is 42.",
        ),
        ([*BOTH_FAILED, ended("failed")], "Step 2 of 2, Act (RUN-001.yml:12), ended as failed on one, two: rc is 1."),
        (
            [*FAILED, ended("failed"), again(), reopened("act"), *done("act"), ended()],
            "2 attempts: start ended as failed, then resume 1. All 2 steps passed on one.",
        ),
        (
            [*PASSED, ended(), *TAKEN_BACK],
            "2 attempts: start ended as passed, then undo. It was undone: Act.",
        ),
        (
            [*done("look", outcome="unreachable"), PAGE, ended("unreachable")],
            "Step 1 of 2, Look, ended as unreachable on one. 1 step was never reached. lead could not be reached.",
        ),
        (
            [*PASSED, (*PAGE[:3], {**PAGE[3], "doubt": True}), ended()],
            "All 2 steps passed on one. Whether lead heard of it is not known.",
        ),
        (
            [*PASSED, PAGE, REQUESTED, ended()],
            "All 2 steps passed on one. lead could not be reached. Whether dba heard of it is not known.",
        ),
        (
            [*FAILED, reopened("act"), *done("act"), ended("handed over", happened="RUN-2 took over, and it holds again")],
            "Act did not pass on one: rc is 42. RUN-2 took over, and it holds again.",
        ),
        (
            [*FAILED, (EventType.RUN_HANDED_OVER, "act", None, {"as_run": "run-2"}), ended("failed")],
            "Step 2 of 2, Act (RUN-001.yml:12), ended as failed on one: rc is 42. It handed over to the run run-2.",
        ),
        (
            [*done("look"), (EventType.GATE_ASKED, "act", None, {"kind": "approve", "commands": {"one": "rm /x"}}),
             (EventType.GATE_ANSWERED, "act", None, {"kind": "approve", "outcome": "aborted", "by": "alice", "note": "no"}),
             (EventType.STEP_FINISHED, "act", "one", {"outcome": "aborted"}), ended("aborted")],
            "Step 2 of 2, Act (RUN-001.yml:12), was denied on one: by alice: no.",
        ),
        (
            [*FAILED, *done("undo-act", outcome="failed"), ended("failed")],
            "Step 2 of 3, Act (RUN-001.yml:12), ended as failed on one: rc is 42. Undo: Act did not pass.",
        ),
        ([ended("failed", problems=["production needs a reason"])], "production needs a reason. 2 steps were never reached."),
        ([ended("aborted")], "It ended as aborted. 2 steps were never reached."),
        ([ended("planned")], "It only looked on one; nothing was changed."),
        ([(EventType.STEP_INTENDED, "act", "one", {})], "It is in progress: Act."),
        ([(EventType.GATE_ASKED, "act", None, {"kind": "approve", "text": "Go?"})], "It waits for an answer (approve: Go?)."),
    ],
)  # fmt: skip
def test_what_happened_and_why(happened, said):
    assert headline(history(records(aimed("one"), *happened), now=LATER)) == said
