"""A step with `only_if` is done where it is needed; elsewhere nothing is done, asked or undone, and that is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness.engine import FAILED, change, undoing
from harness.fakes import FakeOperator

from runner.core.errors import ExitCode
from runner.core.events import EventType
from runner.render.history.headline import headline
from runner.render.history.recorded_runs import proofs
from runner.render.history.run_history import histories

TWO = {"all": ["db1", "db2"]}


def decision(name, *, needed, saw=None):
    fact = f"runbook_needs_{name}"
    return ("ok", {"ansible_facts": {fact: needed}}) if saw is None else ("ok", {"ansible_facts": {fact: saw}})


def needed_on(engine, step, *hosts):
    """Let the condition of `step` be true on `hosts` only."""
    engine.ansible.answers[step, "only_if"] = lambda host: decision(step, needed=host in hosts)


def decisions(engine):
    told = [record for record in engine.records if record.type == EventType.STEP_DECIDED]
    return [(record.step, record.host, record.data["outcome"]) for record in told]


@pytest.fixture
def two(engine):
    engine.ansible.hosts = TWO
    return engine


def test_it_is_done_where_it_is_needed_and_only_there_is_anybody_asked(two):
    needed_on(two, "fix", "db2")

    result = two.run(change("look", effect="read"), undoing("fix", only_if="used > 90", approve="Go?"))

    assert (result.outcome, two.outcomes["fix", "db1"], two.outcomes["fix", "db2"]) == (
        "passed",
        "not needed",
        "passed",
    )
    asked = [record.data["hosts"] for record in two.records if record.type == EventType.GATE_ASKED]
    assert asked == [["db2"]]
    assert (two.done("db1"), two.done("db2")) == (["look"], ["look", "fix"])
    assert two.state["captured"] == {"db1": {"runbook_needs_fix": False}, "db2": {"runbook_needs_fix": True}}


def test_people_are_asked_with_the_condition_and_with_the_values_that_it_saw(engine):
    engine.run(
        change("look", effect="read", capture={"used": "stdout | int"}),
        change("fix", only_if="used > 90", approve="Go?"),
    )

    (asked,) = [record.data["context"] for record in engine.records if record.type == EventType.GATE_ASKED]
    assert (asked["only_if"], asked["hosts"]["db1"]["captured"]) == ("used > 90", {"used": "used of db1"})


def test_a_yes_is_void_when_a_value_that_makes_the_step_needed_has_changed_meanwhile(engine):
    class Meanwhile(FakeOperator):
        def answer(self, gate, view):
            engine.directory_of_the_run.update(captured={"db1": {"used": "another", "runbook_needs_fix": True}})
            return super().answer(gate, view)

    engine.env = replace(engine.env, operator=Meanwhile())

    result = engine.run(
        change("look", effect="read", capture={"used": "stdout"}), change("fix", only_if="used == 'x'", approve="Go?")
    )

    sentence = "on db1 the captured value used was `used of db1` and is now `another`"
    assert (result.exit_code, engine.done("db1")) == (ExitCode.DENIED, ["look"])
    assert result.problems[0] == f"the approval of fix is void: {sentence}"


def test_it_is_told_with_what_its_condition_saw(two):
    needed_on(two, "fix", "db2")
    two.run(change("fix", only_if="used > 90"))

    (run,) = histories(two.records)

    checks = [
        (check.says, check.host, check.outcome, check.reason) for check in run.steps[0].checks if not check.number
    ]
    assert checks == [
        ("Only if used > 90", "db1", "not needed", "used > 90 is not true"),
        ("Only if used > 90", "db2", "passed", ""),
    ]
    assert run.steps[0].outcome == "1 not needed, 1 passed"


def test_a_run_in_which_nothing_was_needed_says_so_and_proves_nothing(two):
    needed_on(two, "fix")

    result = two.run(change("fix", only_if="used > 90"))

    (run,) = histories(two.records)
    assert (result.outcome, result.happened) == ("passed", "nothing was needed: the condition of each step says so")
    assert headline(run) == "Nothing was needed on db1, db2: the condition of each step says so."
    assert (list(proofs(histories(two.records))), run.unproven) == ([], "none of its steps was needed")
    assert result.hosts == {"untouched": ["db1", "db2"]}


@pytest.mark.parametrize(
    "answer", [("failed", {"msg": "'usde' is undefined"}), decision("fix", needed=None, saw="yes")]
)
def test_a_condition_that_is_neither_true_nor_false_fails_and_never_counts_as_not_needed(two, answer):
    two.ansible.answers["fix", "only_if"] = ("failed", answer[1])

    result = two.run(change("fix", only_if="usde"))

    assert (result.outcome, two.outcomes["fix", "db1"], two.done("db1")) == ("failed", "failed", [])


def test_a_step_that_may_fail_lets_the_run_go_on_though_nobody_can_tell_whether_it_is_needed(two):
    two.ansible.answers["fix", "only_if", "db1"] = ("failed", {"msg": "'usde' is undefined"})
    two.ansible.answers["fix", "only_if", "db2"] = decision("fix", needed=True)

    result = two.run(change("fix", only_if="usde", on_failure="continue"), change("after"))

    assert (result.outcome, two.done("db1"), two.done("db2")) == ("failed", ["after"], ["fix", "after"])


def test_what_is_not_needed_is_never_undone(two):
    needed_on(two, "fix", "db2")
    two.run(undoing("fix", only_if="used > 90"))

    two.undo()

    assert two.done("db1") == []
    assert ("undo-fix", "db1") not in two.outcomes
    assert two.outcomes["undo-fix", "db2"] == "passed"


def test_a_resume_keeps_what_was_decided(two):
    needed_on(two, "fix", "db2")
    two.ansible.answers["after", "action"] = FAILED
    two.run(change("fix", only_if="used > 90"), change("after", only_if="used > 90"))
    del two.ansible.answers["after", "action"]
    needed_on(two, "fix", "db1")

    result = two.resume(redo=["after"])

    assert (result.outcome, two.done("db1").count("fix"), two.done("db2").count("fix")) == ("passed", 0, 1)
    assert [each for each in decisions(two) if each[0] == "fix"] == [
        ("fix", "db1", "not needed"),
        ("fix", "db2", "passed"),
    ]


def test_a_resume_decides_again_by_values_that_are_captured_again(engine):
    look = change("look", effect="read", capture={"used": "stdout | int"}, on_failure="continue")
    engine.ansible.answers["look", "action"] = FAILED
    needed_on(engine, "fix")
    engine.run(look, change("fix", only_if="used | default(0) > 90"))
    del engine.ansible.answers["look", "action"]
    needed_on(engine, "fix", "db1")

    result = engine.resume()

    assert (result.outcome, engine.outcomes) == ("passed", {("look", "db1"): "passed", ("fix", "db1"): "passed"})


def test_a_dry_run_decides_what_it_can_and_calls_the_rest_unknowable(two):
    needed_on(two, "fix", "db2")

    result = two.run(
        change("fix", only_if="level > 90", capture={"made": "stdout"}),
        change("look", effect="read", capture={"used": "stdout"}),
        change("more", only_if="used > 90"),
        change("most", only_if="made"),
        mode="dry-run",
    )

    assert result.outcome == "planned"
    assert {(step, outcome) for (step, host), outcome in two.outcomes.items() if host == "db2"} == {
        ("fix", "planned"),
        ("look", "passed"),
        ("more", "unknowable"),
        ("most", "unknowable"),
    }
    assert two.outcomes["fix", "db1"] == "not needed"


def test_what_must_hold_before_is_looked_at_only_where_it_is_needed(two):
    two.ansible.answers["prerequisite-1", "only_if"] = lambda host: (
        "ok",
        {"ansible_facts": {"runbook_needs_prerequisite_1": host == "db2"}},
    )
    two.ansible.answers["prerequisite-1", "verify/1", "db1"] = FAILED  # which nobody sees
    room = {"name": "Room", "only_if": "used > 90", "command": "df", "verify": [{"exit": 0}]}

    result = two.run(change("fix"), prerequisites=[room])

    assert (result.outcome, two.outcomes["prerequisite-1", "db1"], two.outcomes["prerequisite-1", "db2"]) == (
        "passed",
        "not needed",
        "passed",
    )
    assert (two.done("db1"), two.done("db2")) == (["fix"], ["prerequisite-1", "fix"])


@pytest.mark.parametrize("decided", ["db2", None])
def test_what_a_cancellation_asks_for_is_done_only_where_it_is_needed(two, decided):
    # Given a step to be done on a cancellation whose condition is true on one host, or cannot be evaluated yet
    if decided:
        needed_on(two, "tidy", decided)
    else:
        two.ansible.answers["tidy", "only_if"] = ("failed", {"msg": "'used' is undefined"})
    two.operator.answer = lambda gate, view: two.env.cancellation.request("SIGTERM")
    # When
    result = two.run(change("one"), change("two", approve="Go?"), on_cancel=[change("tidy", only_if="used > 90")])
    # Then
    assert (result.outcome, two.done("db1")) == ("aborted", ["one"])
    assert two.done("db2") == (["one", "tidy"] if decided else ["one"])
    assert two.outcomes["tidy", "db1"] == ("not needed" if decided else "failed")
