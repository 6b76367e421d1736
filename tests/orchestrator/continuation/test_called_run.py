"""A step that another runbook does: in a run of its own, gone on with and taken back with the one it is for."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count

import pytest
from harness.engine import FAILED, NOBODY, change, undoing
from harness.fakes import RUN_ID, RUNBOOK, runbook_file

from runner.compiler.committed_playbook import compiled
from runner.core.errors import ExitCode, InvalidInputError
from runner.core.events import EventType
from runner.library.library import Library
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
