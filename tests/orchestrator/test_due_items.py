"""A step that is done once for each item of a list: none is done twice, none is forgotten, and each is recorded."""

from __future__ import annotations

import pytest
from harness.engine import FAILED, change, undoing
from harness.fake_run import Killed

from runner.core.errors import ExitCode
from runner.core.events import EventType
from runner.orchestrator.run_environment import GateAnswer

STUCK = ["one", "two", "three"]
FIND = {
    "id": "find",
    "name": "Find",
    "effect": "read",
    "command": "ls",
    "capture": {"stuck": "stdout.splitlines()"},
    "verify": [{"exit": 0}],
}


def each(step, **keys):
    return {**step, "each": "{{ stuck }}", "command": "mv {{ item }} /tmp", **keys}


MOVE = each(undoing("move"))
PLAIN = each(change("move"), verify=[{"exit": 0}])


def killed(*_):
    raise Killed


def die(engine, *steps, **changes):
    with pytest.raises(Killed):
        engine.run(*steps, **changes)


def outcomes(engine):
    return {step: outcome for (step, host), outcome in engine.outcomes.items() if host == "db1"}


def test_each_item_has_its_own_intent_and_outcome_and_the_step_follows_from_them(engine):
    ended = engine.run(FIND, MOVE)

    assert (ended.outcome, engine.done("db1")) == ("passed", ["find", "move[1]", "move[2]", "move[3]"])
    assert outcomes(engine) == {
        "find": "passed",
        "move[1]": "passed",
        "move[2]": "passed",
        "move[3]": "passed",
        "move": "passed",
    }
    # which items there are is recorded before the first is begun
    (expanded,) = [record for record in engine.records if record.type == EventType.STEP_EXPANDED]
    assert expanded.data == {"part": "items", "count": 3, "items": STUCK}


def test_an_item_that_fails_ends_the_step_there_and_a_resume_goes_on_with_it(engine):
    engine.ansible.answers["move[2]", "action"] = FAILED
    failed = engine.run(FIND, MOVE, change("last"))
    assert (failed.exit_code, engine.done("db1")) == (ExitCode.FAILED, ["find", "move[1]", "move[2]"])
    assert outcomes(engine)["move"] == "failed"
    assert [
        record.data["reason"] for record in engine.records if record.step == "move" and "reason" in record.data
    ] == ["[2]: exit code 1"]

    engine.ansible.answers.clear()
    engine.ansible.items["move"] = ["other"]  # what would be found now is not what it has begun with
    assert engine.resume().outcome == "passed"
    assert engine.done("db1") == ["find", "move[1]", "move[2]", "move[2]", "move[3]", "last"]


def test_a_list_without_an_item_needs_nothing(engine):
    engine.ansible.items["move"] = []
    ended = engine.run(FIND, MOVE, change("last"))
    assert (ended.outcome, outcomes(engine)) == ("passed", {"find": "passed", "move": "not needed", "last": "passed"})


def test_more_items_than_may_be_fail_before_the_first(engine):
    engine.ansible.answers["move", "limit"] = ("failed", {"assertion": "items | length <= 100"})
    ended = engine.run(FIND, MOVE)
    assert (ended.exit_code, engine.done("db1")) == (ExitCode.FAILED, ["find"])

    engine.ansible.answers.clear()
    assert engine.resume().outcome == "passed"


def test_an_item_of_which_nobody_knows_is_named_and_only_that_is_asked_about(engine):
    engine.ansible.answers["move[2]", "action"] = killed
    die(engine, FIND, PLAIN)
    engine.ansible.answers.clear()

    engine.operator.answers["move"] = GateAnswer(yes=False, by="alice")
    asked = engine.resume()
    assert asked.outcome == "unknown"
    assert "move is in doubt on db1 (db1, item 2 (two): nobody knows whether it was done)" in asked.problems

    # When somebody has looked, and says that it was done
    assert engine.resume(done=["move[2]"]).outcome == "passed"
    assert engine.done("db1") == ["find", "move[1]", "move[2]", "move[3]"]


def test_an_undo_takes_the_items_back_that_were_begun_newest_first(engine):
    engine.ansible.answers["move[3]", "action"] = FAILED
    engine.run(FIND, MOVE)
    engine.ansible.answers.clear()

    undone = engine.undo()

    assert undone.outcome == "undone"
    assert engine.done("db1")[-3:] == ["undo-move[3]", "undo-move[2]", "undo-move[1]"]
    # and what is done again afterwards is all of them
    assert engine.resume().outcome == "passed"
    assert engine.done("db1")[-3:] == ["move[1]", "move[2]", "move[3]"]


def test_an_undo_that_failed_names_the_items_that_stand(engine):
    engine.run(FIND, MOVE)
    engine.ansible.answers["undo-move[2]", "action"] = FAILED
    partly = engine.undo()
    assert partly.outcome == "partly undone"
    assert "Move (two, one) is not undone on db1: its undo failed ([2]: exit code 1)" in partly.problems

    engine.ansible.answers.clear()
    assert engine.undo().outcome == "undone"
    assert engine.done("db1")[-4:] == ["undo-move[3]", "undo-move[2]", "undo-move[2]", "undo-move[1]"]


def test_what_is_captured_of_each_item_is_kept_as_a_list(engine):
    rows = lambda number: [{"item": n, "size": f"size {n}"} for n in range(1, number + 1)]  # noqa: E731
    for number in (1, 2, 3):
        engine.ansible.answers[f"move[{number}]", "capture"] = (
            "ok",
            {"ansible_facts": {"runbook_captured_move": rows(number)}},
        )
    engine.ansible.answers["move", "capture/all"] = ("ok", {"ansible_facts": {"sizes": ["size 1", "size 2", "size 3"]}})
    engine.ansible.answers["move[3]", "action"] = FAILED
    engine.run(FIND, {**MOVE, "capture": {"size": "rc"}})
    assert engine.state["captured"]["db1"]["runbook_captured_move"] == rows(2)

    del engine.ansible.answers["move[3]", "action"]
    assert engine.resume().outcome == "passed"
    captured = engine.state["captured"]["db1"]
    assert (captured["runbook_captured_move"], captured["sizes"]) == (rows(3), ["size 1", "size 2", "size 3"])


def test_a_gate_asks_only_about_hosts_that_have_an_item(engine):
    engine.ansible.items["move"] = []
    ended = engine.run(FIND, {**MOVE, "approve": "Move them?"})
    assert (ended.outcome, [record for record in engine.records if record.type == EventType.GATE_ASKED]) == (
        "passed",
        [],
    )
    assert [tags for tags, *_ in engine.ansible.calls] == [("step-find", "items-move")]


def test_hosts_that_are_not_at_the_same_item_keep_their_order(engine):
    # Given that one host is done with an item of which nobody knows on the other
    engine.ansible.hosts = {"all": ["db1", "db2"]}
    engine.ansible.answers["move[2]", "verify/1", "db1"] = killed
    die(engine, FIND, {**MOVE, "verify": [{"exit": 0}]})
    engine.ansible.answers.clear()
    # When it is gone on with and taken back
    assert engine.resume(done=["move[2]@db1"], redo=["move[2]@db2"]).outcome == "passed"
    assert engine.undo().outcome == "undone"
    # Then each host does one item after the other
    assert engine.done("db1")[1:4] == ["move[1]", "move[2]", "move[3]"]
    assert engine.done("db2")[1:5] == ["move[1]", "move[2]", "move[2]", "move[3]"]


def test_an_undo_takes_back_the_newest_first_on_hosts_with_more_items_and_with_fewer(engine):
    engine.ansible.hosts = {"all": ["db1", "db2"]}
    engine.ansible.items["move", "db1"] = STUCK[:2]
    assert engine.run(FIND, MOVE).outcome == "passed"

    assert engine.undo().outcome == "undone"
    assert engine.done("db1")[-2:] == ["undo-move[2]", "undo-move[1]"]
    assert engine.done("db2")[-3:] == ["undo-move[3]", "undo-move[2]", "undo-move[1]"]
