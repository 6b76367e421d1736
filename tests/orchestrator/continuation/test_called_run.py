"""A step that another runbook does: in a run of its own, gone on with and taken back with the one it is for."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from itertools import count

import pytest
from harness.engine import FAILED, NOBODY, change, undoing
from harness.fake_run import Killed
from harness.fakes import RUN_ID, RUNBOOK, runbook_file

from runner.compiler.committed_playbook import compiled
from runner.core.errors import ExitCode, InvalidInputError
from runner.core.events import EventType
from runner.library.library import Library
from runner.orchestrator.run_environment import GateAnswer
from runner.services.run_list import find_run
from runner.store.log.log_reader import read


@pytest.fixture
def other(engine):
    """Writes a runbook that does a step of another one; the runs that are begun have ids in a row."""

    def write(*steps, name="RUN-002", **changes):
        keys = {"id": name, "title": "Help", "escalation": NOBODY, **({"steps": list(steps)} if steps else {})}
        runbook_file(engine.directory, RUNBOOK, **{**keys, **changes})
        library = Library(engine.directory)
        source = library.source(name)
        library.playbook(source).parent.mkdir(exist_ok=True)
        library.playbook(source).write_text(compiled(source))

    ids = (RUN_ID.replace("T000000Z", f"T{number:06}Z") for number in count(1))
    actor = replace(engine.env.actor, pid=os.getpid())  # locks are joined in the process that has them
    engine.env = replace(engine.env, new_run_id=lambda: next(ids), actor=actor)
    return write


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
    assert (started["parent"], started["called"], started["inputs"]) == (
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
    assert shown == [{"db1": "RUN-002\n  First: touch /first\n  Deep: RUN-003\n    Last: touch /last"}]


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


KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "6"))
SEED = int(os.environ.get("RUNBOOK_TEST_SEED", "1"))
RECORDS = 66
"""About as many records as the run makes below, with those of the run within it."""


class World:
    """The hosts: what was really done there, in order; and an operator who looks, and says what became of a step."""

    def __init__(self, engine):
        self.engine, self.done, self.left = engine, [], 0
        for name in ("one", "first", "second", "two"):
            for step in (name, f"undo-{name}"):
                engine.ansible.answers[step, "action"] = lambda host, step=step: self.done.append(step)
            engine.ansible.answers[name, "verify/1"] = lambda host, name=name: None if self.stands(name) else FAILED
        engine.operator.answer = self.answer

    def answer(self, gate, view):
        del view
        seen = self.stands(gate.step.id)
        return GateAnswer(yes=seen, by="alice", instead="" if seen else "redo")

    def stands(self, name):
        return self.done.count(name) > self.done.count(f"undo-{name}")

    def kill_after(self, records):
        """Let the command die as soon as so many records are durable; with 0 it lives."""
        self.left = records
        self.engine.env = replace(self.engine.env, listeners=[self.hear])

    def hear(self, event):
        del event
        self.left -= 1
        if self.left == 0:
            raise Killed


def survive(do):
    try:
        return do().outcome
    except Killed:
        return "killed"


@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
def test_killed_at_any_instant_it_is_gone_on_with_and_taken_back_with_each_step_done_once(engine, other, seed):
    # Given
    pick, world = random.Random(seed), World(engine)
    other(undoing("first"), undoing("second"))
    steps = undoing("one"), calls(), undoing("two")
    # When it is killed, again while it is gone on with, and then let be
    world.kill_after(pick.randrange(1, RECORDS))
    survive(lambda: engine.run(*steps))
    world.kill_after(pick.randrange(1, RECORDS))
    if engine.env.state.run(RUN_ID).state.target:
        survive(engine.resume)
        world.kill_after(0)
        if engine.state["outcome"] != "passed":
            assert survive(engine.resume) == "passed", f"seed {seed}"
    else:  # it died before its hosts were known: there is nothing to go on with
        return
    # Then
    assert world.done == ["one", "first", "second", "two"], f"seed {seed}"
    # When its undo is killed, and done again
    world.kill_after(pick.randrange(1, RECORDS))
    survive(engine.undo)
    world.kill_after(0)
    if any(map(world.stands, ("one", "first", "second", "two"))):
        assert survive(engine.undo) == "undone", f"seed {seed}"
    else:
        survive(engine.undo)  # it may have died after the last proof: there is nothing more to take back
    # Then each change was taken back, in order, at least once
    undone = dict.fromkeys(reversed([step for step in world.done if step.startswith("undo-")]))
    assert [*undone] == ["undo-one", "undo-first", "undo-second", "undo-two"], f"seed {seed}"
    assert engine.env.state.owed_undos.of(["db1"]) == []


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
