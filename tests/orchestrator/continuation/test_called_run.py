"""A step that another runbook does: in a run of its own, gone on with and taken back with the one it is for."""

from __future__ import annotations

import shlex

import pytest
from harness.engine import FAILED, NOBODY, change, undoing
from harness.fake_run import Killed
from harness.fakes import RUN_ID, RUNBOOK, runbook_file

from runner.core.errors import ExitCode, InvalidInputError
from runner.core.events import EventType
from runner.orchestrator.continuation.resumption import called_undos
from runner.orchestrator.run_environment import GateAnswer
from runner.services.run_list import find_run
from runner.store.log.log_reader import read


def calls(name="help", run="RUN-002", **keys):
    """A step that another runbook does."""
    looks = {"says": f"{name} has helped", "command": f"ls /{name}"}
    return {"id": name, "name": name.capitalize(), "run": run, "verify": [looks], "on_failure": "stop", **keys}


def records(engine, *types):
    return [record for record in read(engine.env.state.audit / "audit.jsonl") if record.type in types]


def began(engine):
    """What was begun on hosts, in order, by the last digit of the run's number."""
    intended = records(engine, EventType.STEP_INTENDED)
    return [(int(record.run[9:15]), record.step) for record in intended if "as_run" not in record.data]


def test_it_is_done_in_the_same_tree_and_gives_what_it_has_captured(engine, other):
    # Given
    other(
        change("inner", effect="read", capture={"lag": "stdout"}),
        inputs={"word": {"help": "A word"}, "count": {"type": "int", "default": 3, "help": "How many"}},
    )
    first = change("one", effect="read", capture={"found": "stdout"})
    step = calls(inputs={"word": "{{ found }}"}, capture={"seconds": "lag"})
    # When
    result = engine.run(first, step, change("two", approve="Go?"))
    # Then
    child = RUN_ID.replace("T000000Z", "T000001Z")
    assert (result.outcome, result.exit_code, result.problems) == ("passed", ExitCode.DONE, ())
    assert [(each.runbook, each.hosts, each.result.run_id) for each in result.children] == [("RUN-002", ["db1"], child)]
    started = [record.data for record in records(engine, EventType.RUN_STARTED)][-1]
    given = [record.data["inputs"] for record in records(engine, EventType.INPUTS_GIVEN)][-1]
    assert (started["parent"], started["called"], given) == (
        RUN_ID,
        True,
        {"word": "found of db1", "count": 3},
    )
    assert began(engine) == [(0, "one"), (1, "inner"), (0, "two")]
    assert engine.state["captured"]["db1"]["seconds"] == "lag of db1"


def test_what_fails_in_it_fails_the_step_and_only_the_outer_run_calls(engine, other):
    policy = {**NOBODY, "when": ["step_failed"]}
    other(change("inner", on_failure="escalate"), escalation=policy)
    engine.ansible.answers["inner", "action"] = FAILED

    result = engine.run(calls(on_failure="escalate"), change("two"), escalation=policy)

    assert (result.outcome, result.exit_code) == ("failed", ExitCode.ESCALATED)
    assert [message.details["run"] for message in engine.channel.sent if message.action == "trigger"] == [RUN_ID]
    assert began(engine) == [(1, "inner")]
    assert "RUN-002 ended as failed" in engine.records[-1].data["happened"] + str(result.problems)


def test_a_resume_goes_on_within_it(engine, other):
    # Given
    other(undoing("first"), undoing("second"))
    engine.ansible.answers["second", "action"] = FAILED
    assert engine.run(undoing("one"), calls(), undoing("two")).outcome == "failed"
    del engine.ansible.answers["second", "action"]
    # When
    result = engine.resume()
    # Then
    assert (result.outcome, result.problems) == ("passed", ())
    assert began(engine) == [(0, "one"), (1, "first"), (1, "second"), (1, "second"), (0, "two")]
    assert len(records(engine, EventType.RUN_STARTED)) == 2


def test_an_undo_takes_back_what_it_has_done_in_order(engine, other):
    other(undoing("first"), undoing("second"))
    engine.run(undoing("one"), calls(), undoing("two"))

    result = engine.undo()

    assert (result.outcome, result.problems) == ("undone", ())
    assert began(engine)[4:] == [(0, "undo-two"), (1, "undo-second"), (1, "undo-first"), (0, "undo-one")]
    assert engine.env.state.owed_undos.of(["db1"]) == []


def test_what_an_undo_would_do_in_it_is_known_before(engine, other):
    steps = (undoing("one"), calls())
    other(undoing("first"), change("look", effect="read"), undoing("second"))
    engine.run(*steps)

    ((runbook, run, plan),) = called_undos(engine.request(*steps), engine.env.state, RUN_ID, "help")

    assert (runbook.id, run) == ("RUN-002", RUN_ID.replace("T000000Z", "T000001Z"))
    assert [(item.step, item.does, item.hosts) for item in plan.takes_back] == [
        ("second", "rm /second", ("db1",)),
        ("first", "rm /first", ("db1",)),
    ]
    assert list(called_undos(engine.request(*steps), engine.env.state, RUN_ID, "one")) == []


def test_what_of_it_stands_after_an_undo_is_named(engine, other):
    other(change("first"), undoing("second"))
    engine.run(calls())

    result = engine.undo()

    assert (result.outcome, result.exit_code) == ("partly undone", ExitCode.PARTLY_UNDONE)
    assert result.problems == ("Help is not undone on db1: its undo failed (not all of RUN-002 is taken back)",)


def test_after_an_undo_it_is_done_anew(engine, other):
    other(undoing("first"))
    engine.run(calls())
    engine.undo()

    assert engine.resume().outcome == "passed"
    assert began(engine) == [(1, "first"), (1, "undo-first"), (2, "first")]


def test_when_its_failure_undoes_the_run_what_it_has_done_is_taken_back_too(engine, other):
    other(undoing("first"), change("second"))
    engine.ansible.answers["second", "action"] = FAILED

    result = engine.run(undoing("one"), calls(on_failure="undo"))

    assert result.outcome == "failed"
    assert began(engine) == [(0, "one"), (1, "first"), (1, "second"), (1, "undo-first"), (0, "undo-one")]


def test_a_dry_run_shows_what_it_would_do_and_begins_no_run(engine, other):
    other(undoing("first"), calls("deep", "RUN-003"))
    other(change("last"), name="RUN-003")
    other(undoing("first"), calls("deep", "RUN-003"))

    result = engine.run(calls(capture={}), change("two"), mode="dry-run")

    assert (result.outcome, began(engine), len(records(engine, EventType.RUN_STARTED))) == ("planned", [], 1)
    shown = [
        record.data["commands"] for record in records(engine, EventType.COMMANDS_RENDERED) if record.step == "help"
    ]
    assert shown == [
        {"db1": "RUN-002\n  First: touch /first\n    undo rm /first\n  Deep: RUN-003\n    Last: touch /last"}
    ]


def test_it_is_never_the_last_run(engine, other):
    other(change("inner"))
    engine.run(calls())

    assert find_run(engine.env.state, "last").path.name == RUN_ID


def test_the_deadline_of_the_outer_run_holds_for_it(engine, other):
    other(change("inner"), change("late", approve="Go?"))
    engine.ansible.answers["inner", "action"] = lambda host: engine.env.clock.forward(61)

    result = engine.run(calls(), deadline="1m")

    assert (result.exit_code, began(engine)) == (ExitCode.TIMED_OUT, [(1, "inner")])


def test_who_stops_it_stops_the_outer_run_as_well(engine, other):
    other(change("inner"), change("late", approve="Go?"))
    engine.ansible.answers["inner", "action"] = lambda host: engine.env.cancellation.request("ctrl-c")

    result = engine.run(calls(), change("two"))

    assert (result.outcome, result.exit_code) == ("aborted", ExitCode.INTERRUPTED)
    assert began(engine) == [(1, "inner")]


def test_its_locks_are_those_of_the_tree(engine, other):
    other(change("inner"), locks=["shop-db"])

    result = engine.run(calls(), locks=["shop-db"])

    assert (result.outcome, result.problems) == ("passed", ())


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([calls("back", "RUN-001")], "RUN-002 could not be run for help: leads back to RUN-001"),
        ([calls("deep", "RUN-003")], "is too deep: RUN-001 runs RUN-002 runs RUN-003 runs RUN-004"),
        ([calls("absent", "RUN-009")], "there is no runbook RUN-009"),
    ],
)
def test_what_cannot_end_is_refused_before_anything_is_done(engine, other, steps, message):
    other(change("last"), name="RUN-004")
    other(calls("deeper", "RUN-004"), name="RUN-003")
    runbook_file(engine.directory, RUNBOOK, id="RUN-001", steps=[calls()])
    other(*steps)

    with pytest.raises(InvalidInputError, match=message):
        engine.run(calls())

    assert engine.ansible.calls == []


def test_what_it_does_not_capture_is_known_before(engine, other):
    other(change("inner"))

    with pytest.raises(InvalidInputError, match="RUN-002 captures no 'lag'"):
        engine.run(calls(capture={"seconds": "lag"}))


@pytest.mark.parametrize("earlier", [True, False])
def test_a_yes_is_void_when_what_does_a_step_has_changed_meanwhile(engine, other, earlier):
    other(change("inner"))

    def yes_and_somebody_edits(gate, view):
        del gate, view
        path = engine.directory / "runbooks" / "RUN-002.yml"
        path.write_text(path.read_text().replace("touch /inner", "rm /inner"))
        return GateAnswer(yes=True, by="alice")

    engine.operator.answer = yes_and_somebody_edits

    steps = [change("one", approve="Go?"), calls()] if earlier else [calls(approve="Go?")]
    result = engine.run(*steps)

    assert (result.exit_code, began(engine)) == (ExitCode.DENIED, [])
    assert "the called runbook's file runbooks/RUN-002.yml was" in result.problems[0]


def killed(*_):
    raise Killed


def typed(hint):
    """What the hint says is to be typed, as the command line takes it apart."""
    words = iter(shlex.split(hint.partition("look, then say ")[2].partition(", with --redo")[0].partition(" or ")[0]))
    said = {}
    for flag in words:
        said.setdefault(flag.removeprefix("--"), []).append(next(words))
    return said


ITEMS = undoing("move", each=["p", "q", "r"], command="mv {{ item }} /tmp", verify=[{"exit": 0}])


@pytest.mark.parametrize("hosts", [["db1"], ["db1", "db2"]])
def test_an_item_in_doubt_within_it_is_answered_as_it_is_printed_and_the_outer_run_goes_on(engine, other, hosts):
    # Given a run within a run that is killed in the midst of an item
    engine.ansible.hosts = {"all": hosts}
    other(ITEMS, name="RUN-003")
    other(calls("deep", "RUN-003"))
    engine.ansible.answers["move[2]", "action", hosts[-1]] = killed
    with pytest.raises(Killed):
        engine.run(undoing("one"), calls(), change("two"))
    engine.ansible.answers.clear()
    # When nobody says what became of it
    engine.operator.answers["move"] = GateAnswer(yes=False, by="alice")
    denied = engine.resume()
    # Then it is named as it must be typed
    assert denied.exit_code == ExitCode.DENIED
    names = [f"help/deep/move[2]@{host}" for host in hosts] if hosts[1:] else ["help/deep/move[2]"]
    assert typed(denied.hint) == {"done": names}
    # And with that the outer run goes on to its end
    engine.operator.asked.clear()
    assert engine.resume(**typed(denied.hint)).outcome == "passed"
    assert engine.operator.asked == []
    done = [record.step for record in records(engine, EventType.STEP_INTENDED) if record.host == hosts[-1]]
    assert [step for step in done if "move" in step] == ["move[1]", "move[2]", "move[3]"]


def test_an_undo_in_doubt_within_it_is_named_and_answered_as_it_is_printed(engine, other):
    other(ITEMS)
    engine.run(undoing("one"), calls())
    engine.ansible.answers["undo-move[2]", "action"] = killed
    with pytest.raises(Killed):
        engine.undo()
    engine.ansible.answers.clear()

    engine.operator.answers["move"] = GateAnswer(yes=False, by="alice")
    partly = engine.undo()

    assert partly.outcome == "partly undone"
    hint = partly.problems[0].removesuffix(")")
    assert typed(hint) == {"done": ["help/undo-move[2]"]}
    assert engine.undo(**typed(hint)).outcome == "undone"
    undone = [step for _, step in began(engine) if step.startswith("undo-move")]
    assert undone == ["undo-move[3]", "undo-move[2]", "undo-move[1]"]


def test_what_is_said_of_a_step_of_no_run_is_refused(engine, other):
    other(change("first"))
    engine.ansible.answers["first", "action"] = FAILED
    engine.run(undoing("one"), calls())

    assert engine.resume(done=["one/first"]).problems == ("RUN-001 has no step 'one/first'",)


def test_a_wrong_name_within_it_is_refused_as_a_wrong_step_is_before_anything_is_done(engine, other):
    policy = {**NOBODY, "when": ["step_failed"]}
    other(change("first"))
    engine.ansible.answers["first", "action"] = FAILED
    engine.run(calls(), escalation=policy)
    engine.channel.sent.clear()

    refused = [engine.resume(redo=[name]) for name in ("help/frist", "help/first/deeper")]

    assert [(each.exit_code, each.problems, each.calls) for each in refused] == [
        (ExitCode.INVALID, ("RUN-002, which does help, has no step 'frist'",), ()),
        (ExitCode.INVALID, ("RUN-002 has no step 'first' that another runbook does",), ()),
    ]
    assert began(engine) == [(1, "first")]


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"hosts": "lb"}, "RUN-002 is not for app1 (its hosts are lb)"),
        ({"hosts": "app1", "steps": [change("in", hosts="lb")]}, "RUN-002 is not for app1 (its hosts are lb)"),
        (
            {"hosts": "app1", "steps": [change("in"), change("out", hosts="lb")]},
            "RUN-002 is not for app1 (the hosts of its step 'out' are lb)",
        ),
    ],
)
def test_one_that_is_for_other_hosts_is_found_before_the_first_step(engine, other, keys, why):
    engine.ansible.hosts = {"app1": ["app1"], "lb": ["lb1"]}
    other(**keys)

    result = engine.run(change("one"), calls(), hosts="app1")

    assert (result.happened, result.exit_code, engine.done("app1")) == (why, ExitCode.UNREACHABLE, [])


def test_where_it_has_begun_nothing_its_host_is_untouched(engine, other):
    other(change("first", effect="read"), change("second"))
    engine.ansible.answers["first", "action"] = FAILED

    result = engine.run(calls(), change("two"))

    assert (result.outcome, result.hosts) == ("failed", {"untouched": ["db1"]})
    assert [way.words[0] for way in result.ways_on] == ["resume", "show"]
    assert engine.resume().hosts == {"untouched": ["db1"]}
