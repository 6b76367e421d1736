"""What nobody knows of is never just undone: it is looked at, or named, and undone on a person's word."""

from __future__ import annotations

import pytest
from harness.engine import FAILED, LOST, change, undoing
from harness.fake_run import Killed

from runner.core.errors import ExitCode
from runner.core.events import EventType
from runner.orchestrator.run_environment import GateAnswer

NO = GateAnswer(yes=False, by="alice")
REDO = GateAnswer(yes=False, by="alice", instead="redo")
UNSEEN = [{"exit": 0}]
"""What nobody can look at later."""
MOVE = undoing("move", each=["p", "q", "r"], command="mv {{ item }} /tmp", verify=UNSEEN)


def killed(*_):
    raise Killed


def die(do, *steps):
    with pytest.raises(Killed):
        do(*steps)


def undone(engine):
    return [step for step in engine.done("db1") if step.startswith("undo-")]


@pytest.mark.parametrize(("step", "unit"), [(undoing("one"), "one"), (MOVE, "move[2]")])
def test_an_undo_that_was_killed_is_named_and_not_repeated_without_a_word(engine, step, unit):
    # Given
    name = step["id"]
    engine.run(step)
    engine.ansible.answers[f"undo-{unit}", "action"] = killed
    die(engine.undo)
    engine.ansible.answers.clear()
    before = undone(engine)
    # When nobody says what became of it
    engine.operator.answers[name] = NO
    refused = engine.undo()
    # Then nothing is done
    assert (refused.exit_code, refused.outcome, undone(engine)) == (ExitCode.DENIED, "passed", before)
    assert refused.problems[0].startswith(f"undo-{name} is in doubt on db1 (db1")
    assert "its undo was begun, and has no end" in refused.problems[0]
    assert refused.hint.replace("'", "") == f"look, then say --done undo-{unit} or --redo undo-{unit}"


@pytest.mark.parametrize(("said", "times"), [({"done": ["undo-one"]}, 1), ({"redo": ["undo-one"]}, 2)])
def test_it_is_repeated_or_left_as_somebody_says(engine, said, times):
    engine.run(undoing("one"))
    engine.ansible.answers["undo-one", "action"] = killed
    die(engine.undo)
    engine.ansible.answers.clear()

    ended = engine.undo(**said)

    assert (ended.outcome, undone(engine), engine.operator.asked) == ("undone", ["undo-one"] * times, [])
    assert engine.env.state.owed_undos.of(["db1"]) == []


@pytest.mark.parametrize(("answer", "times"), [(GateAnswer(yes=True, by="alice"), 0), (REDO, 1)])
def test_a_step_of_which_nobody_knows_whether_it_was_done_is_asked_about(engine, answer, times):
    engine.ansible.answers["one", "action"] = killed
    die(engine.run, undoing("one", verify=UNSEEN))
    engine.ansible.answers.clear()

    engine.operator.answers["one"] = answer
    ended = engine.undo()

    assert (ended.outcome, undone(engine)) == ("undone", ["undo-one"] * times)
    assert engine.operator.asked == [("unknown", "one", ("db1",))]
    # and that it was taken back is known to whoever goes on with the run
    assert (engine.resume().outcome, engine.done("db1").count("one")) == ("passed", 2)


@pytest.mark.parametrize(("holds", "asked"), [(True, []), (False, [("unknown", "one", ("db1",))])])
def test_nobody_is_asked_where_its_verifications_show_that_it_was_done(engine, holds, asked):
    engine.ansible.answers["one", "action"] = killed
    die(engine.run, undoing("one"))
    engine.ansible.answers = {} if holds else {("one", "verify/1"): FAILED}

    assert engine.undo().outcome == "undone"
    assert (undone(engine), engine.operator.asked) == (["undo-one"] if holds else [], asked)


def test_an_item_that_was_never_done_is_not_undone(engine):
    engine.ansible.answers["move[2]", "action"] = killed
    die(engine.run, MOVE)
    engine.ansible.answers.clear()

    assert engine.undo(done=["undo-move[2]"]).outcome == "undone"
    assert undone(engine) == ["undo-move[1]"]


@pytest.mark.parametrize("ending", [FAILED, LOST])
def test_an_undo_that_has_a_result_is_done_again_without_asking(engine, ending):
    engine.run(undoing("one"))
    engine.ansible.answers["undo-one", "action"] = ending
    assert engine.undo().outcome == "partly undone"
    engine.ansible.answers.clear()

    assert (engine.undo().outcome, engine.operator.asked) == ("undone", [])


def test_what_may_be_repeated_is_undone_again_without_asking(engine):
    engine.run(undoing("one", idempotent=True))
    engine.ansible.answers["undo-one", "action"] = killed
    die(engine.undo)
    engine.ansible.answers.clear()

    assert (engine.undo().outcome, undone(engine), engine.operator.asked) == ("undone", ["undo-one"] * 2, [])


def test_an_undo_that_was_done_and_not_verified_says_so(engine):
    engine.run(undoing("one"))
    engine.ansible.answers["undo-one", "verify/1"] = killed
    die(engine.undo)
    engine.ansible.answers.clear()

    engine.operator.answers["one"] = NO
    assert "its undo was done, and is not verified" in engine.undo().problems[0]
    assert (engine.undo(done=["undo-one"]).outcome, undone(engine)) == ("undone", ["undo-one"])


@pytest.mark.parametrize("first", ["a", "b"])
def test_what_is_said_of_one_host_still_holds_when_the_other_is_answered_later(engine, first):
    # Given an undo that nobody knows the end of on two hosts
    engine.ansible.hosts = {"all": ["a", "b"]}
    engine.run(undoing("one"))
    engine.ansible.answers["undo-one", "verify/1", "b"] = killed
    engine.ansible.answers["undo-one", "verify/1", "a"] = killed
    die(engine.undo)
    engine.ansible.answers.clear()
    engine.operator.answers["one"] = NO
    both = engine.undo()
    assert both.hint == "look, then say --done undo-one@a --done undo-one@b, with --redo for what is to be done again"
    # When each is answered by itself
    (second,) = {"a", "b"} - {first}
    half = engine.undo(redo=[f"undo-one@{first}"])
    assert half.hint == f"look, then say --done undo-one@{second} or --redo undo-one@{second}"
    assert engine.undo(done=[f"undo-one@{second}"]).outcome == "undone"
    # Then each is done as it was said
    assert {host: engine.done(host).count("undo-one") for host in "ab"} == {first: 2, second: 1}


def test_what_names_no_undo_is_refused(engine):
    engine.run(undoing("one"), change("two"))

    refused = engine.undo(redo=["one"])

    assert (refused.problems, refused.hint) == (("RUN-001 has no undo 'one'",), "its undos are undo-one")
    assert [record.type for record in engine.records if record.step == "undo-one"] == []
    assert EventType.RUN_REFUSED in {record.type for record in engine.records}
