"""Where a run stands, how long its steps usually take, and how much of its time is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from runner.events import EventType, Instant
from runner.record.audit_log import Actor
from runner.record.envelope import Record
from runner.record.status import RunStatus, StepStatus, status, usual

START = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = Actor(user="alice", host="controller", pid=1, tool_version="0.1.0")
FIRST = {
    "runbook": "RUN-001",
    "budget": 900.0,
    "steps": [{"id": "look", "name": "Look"}, {"id": "act", "name": "Act"}],
}


def record(at, kind, step=None, host=None, /, *, run="run-1", boot="boot-1", **data):
    time = START + timedelta(seconds=at)
    return Record(
        seq=int(at) + 1,
        time=time,
        monotonic=1000.0 + at,
        boot=boot,
        type=kind,
        run=run,
        step=step,
        host=host,
        data=data,
        actor=ACTOR,
        truncated=False,
        hash="ab" * 32,
    )


def story(run="run-1", *, took=10.0, outcome="passed"):
    return [
        record(0, EventType.RUN_STARTED, run=run, **FIRST),
        record(1, EventType.STEP_INTENDED, "look", "a", run=run),
        record(1 + took, EventType.STEP_FINISHED, "look", "a", run=run, outcome=outcome),
    ]


def now(seconds, boot="boot-1"):
    return Instant(START + timedelta(seconds=seconds), 1000.0 + seconds, boot)


def test_a_run_that_is_going_on():
    told = [*story(), record(12, EventType.STEP_INTENDED, "act", "a"), record(13, EventType.STEP_INTENDED, "act", "b")]

    assert status(told, usually={"act": 40.0}, now=now(192)) == RunStatus(
        used=192.0,
        budget=900.0,
        waiting="",
        steps=(
            StepStatus("look", "Look", {"a": "passed"}, 10.0, None),
            StepStatus("act", "Act", {"a": "running", "b": "running"}, 180.0, 40.0),
        ),
    )


def test_a_run_that_has_ended_has_nothing_running():
    told = [*story(), record(12, EventType.STEP_INTENDED, "act", "a"), record(20, EventType.RUN_ABANDONED)]

    found = status(told, usually={}, now=None)

    assert (found.used, found.steps[1]) == (20.0, StepStatus("act", "Act", {"a": "unknown"}, None, None))


def test_a_question_that_nobody_has_answered():
    asked = record(2, EventType.GATE_ASKED, "act", kind="approve", text="Go?")
    answered = record(3, EventType.GATE_ANSWERED, "act", kind="approve", outcome="passed")

    assert status([*story(), asked], usually={}, now=now(9)).waiting == "approve: Go?"
    assert status([*story(), asked, answered], usually={}, now=now(9)).waiting == ""
    assert status([*story(), asked], usually={}, now=None).waiting == ""


def test_a_clock_that_is_set_changes_nothing_and_after_a_reboot_the_wall_counts():
    jumped = Instant(START - timedelta(hours=1), 1060.0, "boot-1")
    rebooted = Instant(START + timedelta(hours=1), 5.0, "boot-2")

    assert [status(story(), usually={}, now=each).used for each in (jumped, rebooted)] == [60.0, 3600.0]


def test_how_long_a_step_usually_takes_is_the_median_of_the_runs_in_which_it_passed():
    runs = [story(f"run-{took}", took=took) for took in (10.0, 30.0, 20.0)]
    failed = story("run-x", took=500.0, outcome="failed")
    other = [record(0, EventType.RUN_STARTED, run="run-y", runbook="RUN-002"), *story("run-y", took=900.0)[1:]]

    assert usual([each for told in [*runs, failed, other] for each in told], "RUN-001") == {"look": 20.0}
