"""What is asked of a run is put together from a reviewed runbook and inventories that are there, or nothing is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from harness.engine import FAILED, NOBODY, change
from harness.fakes import RUN_ID

from runner.core.errors import InvalidInputError, LockedError
from runner.services.run_requests import (
    RunbookChangedError,
    find_inventories,
    interrupted_run,
    prepare_resume,
    prepare_run,
    prepare_undo,
    runbooks_of,
)
from runner.store.run_state import RunState


@pytest.fixture
def failed(engine):
    """A run that failed at its second step."""
    engine.ansible.answers["two", "action"] = FAILED
    engine.run(change("one"), change("two"))
    return interrupted_run(engine.env.state, RUN_ID)


def test_a_new_run_is_of_the_playbook_that_was_reviewed(engine):
    engine.request(change("one"))
    inventory = engine.directory / "inventory.yml"

    request = prepare_run(engine.library, "RUN-001", [inventory], run_id="another", limit="db1", mode="dry-run")

    assert (request.run_id, request.inventories, request.limit, request.mode) == (
        "another",
        [inventory],
        "db1",
        "dry-run",
    )
    assert (request.playbook, request.inputs) == (engine.library.playbook(request.source).read_bytes(), {})
    assert [runbook.id for runbook in runbooks_of(request)] == ["RUN-001"]
    engine.library.playbook(request.source).write_text("# not what was compiled\n")
    with pytest.raises(InvalidInputError):
        prepare_run(engine.library, "RUN-001", [inventory], run_id="another")


def test_an_inventory_is_looked_for_here_and_in_the_library(engine):
    engine.request(change("one"))

    assert find_inventories([engine.directory / "inventory.yml"], engine.library) == [
        engine.directory / "inventory.yml"
    ]
    with pytest.raises(InvalidInputError, match="there is no inventory nowhere"):
        find_inventories([engine.directory / "inventory.yml", Path("nowhere")], engine.library)


def test_an_interrupted_run_is_resumed_by_what_it_was_begun_with(engine, failed):
    resumed, undone = (
        prepare_resume(failed, engine.library, engine.env.state, mode="step"),
        prepare_undo(failed, engine.library),
    )

    assert (resumed.run_id, resumed.mode, undone.mode) == (RUN_ID, "step", "run")
    assert resumed.inventories == engine.asked_for.inventories


@pytest.mark.parametrize("drill", [False, True])
def test_nobody_is_called_where_the_run_of_a_drill_is_gone_on_with(engine, drill):
    engine.ansible.answers["two", "action"] = FAILED
    steps = change("one"), change("two", on_failure="escalate")
    engine.asked_for = replace(engine.request(*steps, escalation={**NOBODY, "when": ["step_failed"]}), drill=drill)
    engine.do()
    run, contacts, before = engine.directory_of_the_run, engine.asked_for.contacts, len(engine.channel.sent)

    requests = [prepare_resume(run, engine.library, engine.env.state), prepare_undo(run, engine.library)]

    assert [(each.drill, each.tells_nobody) for each in requests] == [(drill, drill)] * 2
    engine.asked_for = replace(requests[0], contacts=contacts)
    assert engine.resume().outcome == "failed"
    assert (before, len(engine.channel.sent) > before) == (1, not drill)
    # And none where its hosts are gone, before anything is done
    before = len(engine.channel.sent)
    engine.ansible.hosts = {}
    assert engine.resume().outcome == "failed"
    assert (len(engine.channel.sent) > before) is not drill


def test_by_another_text_only_where_somebody_accepts_that(engine, failed):
    engine.request(change("one"), change("two"), title="Disk is almost full")

    with pytest.raises(RunbookChangedError) as raised:
        prepare_resume(failed, engine.library, engine.env.state)

    assert "+title: Disk is almost full" in raised.value.difference
    assert (
        prepare_resume(failed, engine.library, engine.env.state, accept_changes=True).source.runbook.title
        == "Disk is almost full"
    )


def test_a_run_that_somebody_executes_is_left_alone(engine, failed):
    failed.hold()

    with pytest.raises(LockedError, match="is in progress"):
        interrupted_run(engine.env.state, RUN_ID)

    failed.release()


def test_the_last_run_is_none_before_one_that_died_before_it_began(engine, failed):
    newer = f"20270101{RUN_ID[8:]}"
    state = RunState(run=newer, runbook="RUN-002", title="T", started="", user="u", status="abandoned")
    engine.env.state.begin(state).release()

    with pytest.raises(InvalidInputError) as caught:
        interrupted_run(engine.env.state, "last")

    assert caught.value.message == f"the newest run, {newer} of RUN-002, died before it began anything"
    assert caught.value.hint == f"runbook run RUN-002 starts it anew; or name the one before it: {RUN_ID}"
    assert interrupted_run(engine.env.state, RUN_ID).path == failed.path


def test_a_run_that_only_looked_or_has_passed_has_nothing_to_resume(engine):
    engine.run(change("one"), mode="dry-run")
    with pytest.raises(InvalidInputError, match="only looked: there is nothing to resume"):
        prepare_resume(engine.directory_of_the_run, engine.library, engine.env.state)


def test_a_run_whose_record_says_that_it_has_passed_has_nothing_to_resume_whatever_its_state_says(engine):
    engine.run(change("one"))
    run = engine.directory_of_the_run
    run.update(status="running", outcome="")

    with pytest.raises(InvalidInputError, match="has passed: there is nothing to resume"):
        prepare_resume(run, engine.library, engine.env.state)
