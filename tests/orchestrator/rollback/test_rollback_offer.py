"""A rollback trigger fires: people are offered the runbook that rolls back, or it begins by itself; all is recorded."""

from __future__ import annotations

import pytest
from harness.engine import change
from harness.registry_files import FIRES, write_registry

from runner.core.events import EventType, Outcome
from runner.orchestrator.run_environment import GateAnswer
from runner.render.history.decisions import NOBODY

FIRED = ("failed", {"assertion": FIRES, "msg": "Assertion failed"})
SEEN = {"trigger": "DEP-006", "says": "the error rate is above 2 %", "runbook": "RUN-005", "host": "db1"}


@pytest.fixture
def release(engine, other):
    """Runs two steps, with a question between them, while a trigger is watched that fires unless it is told otherwise."""

    def run(look=FIRED, *, auto=False, **changes):
        write_registry(engine.directory, auto=auto)
        other(change("back"), name="RUN-005")
        engine.ansible.answers["trigger-dep-006", "verify/1"] = look
        return engine.run(change("first"), change("second", approve="Go on?"), watch=["DEP-006"], **changes)

    return run


def asked(engine):
    """The steps and triggers about which somebody was asked."""
    return [name for _, name, _ in engine.operator.asked]


def of(engine, kind):
    return [dict(record.data) for record in engine.records if record.type == kind]


def test_a_person_is_asked_and_the_runbook_takes_over(engine, release):
    result = release()

    assert engine.operator.asked == [("trigger", "trigger-dep-006", ("db1",))]
    assert of(engine, EventType.TRIGGER_SEEN) == [{**SEEN, "state": "fired", "reason": "stdout | float > 2"}]
    assert of(engine, EventType.TRIGGER_ANSWERED) == [
        {"trigger": "DEP-006", "answer": "started", "by": "alice", "note": "", "runbook": "RUN-005"}
    ]
    assert (result.outcome, int(result.exit_code)) == (Outcome.FAILED, 1)
    assert result.happened == ("the rollback trigger DEP-006 has fired: stdout | float > 2; RUN-005 has rolled back")
    assert [(child.runbook, child.result.outcome) for child in result.children] == [("RUN-005", Outcome.PASSED)]
    assert engine.done("db1") == ["first"]  # nothing more was begun


def test_a_host_that_the_run_has_not_changed_yet_is_left_alone(engine, release):
    engine.ansible.hosts = {"all": ["db1", "db2"]}

    result = release(serial=1)

    assert [engine.done(host) for host in ("db1", "db2")] == [["first"], []]
    (handed,) = of(engine, EventType.RUN_HANDED_OVER)
    assert (handed["hosts"], [child.hosts for child in result.children]) == (["db1"], [["db1"]])


def test_with_auto_nobody_is_asked(engine, release):
    result = release(auto=True)

    assert engine.operator.asked == []
    assert of(engine, EventType.TRIGGER_ANSWERED)[0]["by"] == NOBODY
    assert [child.runbook for child in result.children] == ["RUN-005"]


def test_who_says_no_is_not_asked_again_and_the_run_goes_on(engine, release):
    engine.operator.answers["trigger-dep-006"] = GateAnswer(yes=False, by="alice", note="a known spike")

    result = release()

    assert result.outcome is Outcome.PASSED
    assert asked(engine) == ["trigger-dep-006", "second"]
    assert of(engine, EventType.TRIGGER_ANSWERED) == [
        {"trigger": "DEP-006", "answer": "declined", "by": "alice", "note": "a known spike", "runbook": "RUN-005"}
    ]
    assert [engine.outcomes[step, "db1"] for step in ("first", "second")] == ["passed", "passed"]


def test_where_nobody_can_be_asked_the_run_stops_and_says_what_to_do(engine, release):
    engine.operator.answers["trigger-dep-006"] = GateAnswer(yes=False, by=NOBODY, note="there is no terminal")

    result = release()

    assert (result.outcome, result.children) == (Outcome.FAILED, ())
    assert result.happened.endswith("has fired: stdout | float > 2; nobody could be asked")
    assert result.hint == "runbook run RUN-005 rolls back; look at it now"


def test_an_unattended_run_asks_nobody(engine, release):
    result = release(mode="auto")

    assert engine.operator.asked == []
    assert result.happened.endswith("; nobody could be asked")


def test_a_trigger_that_does_not_fire_is_counted(engine, release):
    result = release(("ok", {"msg": "All assertions passed"}))

    assert result.outcome is Outcome.PASSED
    assert of(engine, EventType.TRIGGER_SEEN) == [{**SEEN, "state": "quiet"}]
    (watched,) = of(engine, EventType.TRIGGER_WATCHED)
    assert watched["looks"]["DEP-006"] >= 2  # at the first change, and before the end


def test_a_trigger_that_cannot_be_looked_at_is_said_and_stops_nothing(engine, release):
    result = release(("failed", {"assertion": "probe.rc | default(-1) == 0", "msg": "Assertion failed"}))

    assert result.outcome is Outcome.PASSED
    (seen,) = of(engine, EventType.TRIGGER_SEEN)
    assert (seen["state"], bool(seen["reason"])) == ("unknown", True)


def test_before_the_first_change_nothing_is_looked_at(engine, other):
    write_registry(engine.directory)
    other(change("back"), name="RUN-005")
    looks = {"id": "look", "name": "Look", "effect": "read", "command": "ls", "verify": [{"exit": 0}]}

    engine.run(looks, watch=["DEP-006"])

    assert of(engine, EventType.TRIGGER_SEEN) == of(engine, EventType.TRIGGER_WATCHED) == []


def test_a_run_that_only_looks_looks_at_the_triggers_once(engine, release):
    result = release(mode="dry-run")

    assert result.outcome is Outcome.PLANNED
    assert [seen["state"] for seen in of(engine, EventType.TRIGGER_SEEN)] == ["fired"]
    assert engine.operator.asked == []


def test_a_runbook_that_is_not_there_refuses_the_run_before_it_begins(engine):
    write_registry(engine.directory)

    with pytest.raises(Exception, match="RUN-005"):
        engine.run(change("first"), watch=["DEP-006"])


def test_a_resume_does_not_ask_about_what_was_declined(engine, release):
    engine.operator.answers["trigger-dep-006"] = GateAnswer(yes=False, by="alice")
    engine.operator.answers["second"] = GateAnswer(yes=False, by="alice")
    release()
    engine.operator.asked.clear()
    del engine.operator.answers["second"]

    result = engine.resume()

    assert result.outcome is Outcome.PASSED
    assert asked(engine) == ["second"]


def test_the_report_says_which_trigger_and_which_value(engine, release):
    result = release()

    report = result.report.read_text()
    assert "Rollback triggers" in report
    assert "FIRED: stdout | float &gt; 2" in report
    assert "RUN-005 started, by alice" in report
