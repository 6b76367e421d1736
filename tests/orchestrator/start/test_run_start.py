"""A run that asks nobody is refused where only a person can know, and in production for every question."""

from __future__ import annotations

import pytest
from harness.engine import change, undoing

from runner.core.errors import ExitCode
from runner.core.events import EventType
from runner.orchestrator.run_environment import GateAnswer

STEPS = [change("one", approve="Go?"), change("two", verify=[{"exit": 0}, {"confirm": "It is well"}])]
WALK = {"id": "walk", "name": "Walk", "manual": "Walk there", "verify": [{"command": "true"}]}
ENVIRONMENTS = ["local", "lab", "staging"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_where_one_tries_out_nobody_needs_to_approve(engine, environment):
    engine.ansible.environments = {"db1": environment}

    assert engine.run(STEPS[0], mode="auto").outcome == "passed"


@pytest.mark.parametrize("environment", [*ENVIRONMENTS, "production"])
@pytest.mark.parametrize(
    ("step", "question"), [(STEPS[1], "two (confirm: It is well)"), (WALK, "walk (manual: Walk there)")]
)
def test_no_machine_vouches_for_what_a_person_does_or_sees(engine, environment, step, question):
    engine.ansible.environments = {"db1": environment}

    refused = engine.run(step, mode="auto")

    assert (refused.exit_code, engine.done("db1"), engine.operator.asked) == (ExitCode.DENIED, [], [])
    assert refused.problems == (
        f"--auto asks nobody, and in {environment} these questions are for a person: {question}",
    )


def test_what_a_machine_answered_is_recorded_as_what_nobody_did(engine):
    nobody = GateAnswer(yes=True, by="nobody", note="nobody was asked: --auto")
    engine.operator.answers = {"one": nobody, "two": nobody}

    assert engine.run(*({**step, "auto": True} for step in STEPS), mode="auto").outcome == "passed"
    told = [record.data["by"] for record in engine.records if record.type == EventType.GATE_ANSWERED]
    assert told == ["nobody", "nobody"]
    assert not [record for record in engine.records if record.type == EventType.VOTE_GIVEN]


def test_in_production_every_question_needs_an_automatic_answer(engine):
    engine.ansible.environments = {"db1": "production"}

    refused = engine.run(*STEPS, mode="auto")

    assert (refused.exit_code, engine.done("db1"), engine.operator.asked) == (ExitCode.DENIED, [], [])
    assert refused.problems == (
        "--auto asks nobody, and in production these questions are for a person: "
        "one (approve: Go?); two (confirm: It is well)",
    )


def test_in_production_it_goes_where_each_has_one(engine):
    engine.ansible.environments = {"db1": "production"}

    given = {"mode": "auto", "reason": "It is time", "environment": "production"}

    assert engine.run(*({**step, "auto": True} for step in STEPS), **given).outcome == "passed"


def test_step_by_step_one_is_skipped_and_the_run_is_not_green(engine):
    engine.operator.answers["one"] = GateAnswer(yes=False, by="alice", instead="skip")

    result = engine.run(change("one"), change("two"), mode="step")

    assert (result.outcome, engine.done("db1")) == ("skipped", ["two"])
    assert [kind for kind, *_ in engine.operator.asked] == ["step", "step"]


def test_step_by_step_everything_is_taken_back_on_the_operators_word(engine):
    engine.operator.answers["two"] = GateAnswer(yes=False, by="alice", instead="undo")

    result = engine.run(undoing("one"), change("two"), mode="step")

    assert (result.outcome, engine.done("db1")) == ("aborted", ["one", "undo-one"])


def test_what_is_chosen_is_known_to_the_step_and_to_later_ones(engine):
    engine.operator.answers["kill"] = GateAnswer(yes=True, by="alice", chosen={"db1": [7]})
    look = change("look", effect="read", capture={"found": "stdout"})

    result = engine.run(look, change("kill", choose={"pids": {"from": "found"}}))

    assert (result.outcome, engine.state["captured"]["db1"]) == ("passed", {"found": "found of db1", "pids": [7]})
