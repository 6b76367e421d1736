"""Runs that died are recovered only when somebody asks for it, and a run is cancelled by whoever may write to its state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness.fake_run import UnwritableLog, environment_in
from harness.fakes import RUN_ID, runbook_file
from harness.fault_server import FaultServer

from runner.core.errors import AuditError, InvalidInputError
from runner.orchestrator.recovery import name_abandoned
from runner.services.run_list import find_run, listed_runs
from runner.services.runs import CancelledRun, cancel_run, recover_abandoned
from runner.store.run_state import RunState


@pytest.fixture
def env(tmp_path):
    return environment_in(tmp_path)


@pytest.fixture
def dead(env, tmp_path):
    """A run whose command died."""
    path = str(runbook_file(tmp_path / "library"))
    state = RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice", path=path)
    env.state.begin(state).release()


def listed(env):
    with listed_runs(env.state, env.clock()) as runs:
        return [(run.run, run.status, run.outcome) for run in runs.all()]


def test_to_list_runs_changes_nothing_though_it_says_that_one_is_abandoned(env, dead):
    assert listed(env) == [(RUN_ID, "abandoned", "")]
    assert (env.state.run(RUN_ID).state.status, env.executor.cleaned_up) == ("running", [])
    assert not env.state.log_path.exists()


def test_a_run_that_died_is_recovered_once_and_somebody_is_called_for_it(env, dead):
    first, second = recover_abandoned(env), recover_abandoned(env)

    assert [(each.run.run, each.run.status) for each in first.runs] == [(RUN_ID, "abandoned")]
    assert [(call.contact, call.arrived) for call in first.runs[0].calls] == [("on-call", False)]
    assert (second.runs, first.failure, [run.run_id for run in env.executor.cleaned_up]) == ((), None, [RUN_ID])
    assert listed(env) == [(RUN_ID, "abandoned", "unknown")]


def test_a_run_that_died_and_cannot_be_recorded_is_told_and_left_as_it_is(env, dead):
    def full(*_):
        raise AuditError("the disk is full")

    recovery = recover_abandoned(replace(env, state=UnwritableLog(env.state.path, full)))

    assert (recovery.runs, recovery.failure.message) == ((), "the disk is full")
    assert env.state.run(RUN_ID).state.status == "running"


def test_somebody_is_called_once_for_a_run_that_died_and_cannot_be_recorded_and_hears_that(env, dead, tmp_path):
    def full(*_):
        raise AuditError("the disk is full")

    with FaultServer("200") as server:
        contacts = f"on-call: {{name: On-call, channels: [{{webhook: {{url: '{server.url}'}}}}]}}\n"
        (tmp_path / "library" / "runbooks" / "contacts.yml").write_text(contacts)
        broken = replace(env, state=UnwritableLog(env.state.path, full))
        first, second = recover_abandoned(broken), recover_abandoned(broken)

    assert [[call.arrived for call in each.calls] for each in first.unrecorded] == [[True]]
    (page,) = (event["data"] for event in server.events)
    assert (second.unrecorded, page["details"]["not_recorded"]) == ((), "the disk is full")


def test_a_run_that_died_is_called_for_though_the_command_that_found_it_died_as_well(env, dead):
    found = name_abandoned(env)
    next(found)
    found.close()  # it was recorded, and nobody was called yet

    (recovered,) = recover_abandoned(env).runs

    assert [call.contact for call in recovered.calls] == ["on-call"]


def test_nobody_can_be_called_for_a_run_whose_runbook_is_gone(env, dead, tmp_path):
    (tmp_path / "library" / "runbooks" / "RUN-001.yml").unlink()

    (recovered,) = recover_abandoned(env).runs

    assert (recovered.calls, "RUN-001" in recovered.not_called) == ((), True)


def test_a_run_is_asked_to_stop_and_waited_for(env):
    held = env.state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice"))

    late = cancel_run(env.state, "last", "bob", at_once=True, patience=0)
    requests = held.cancelled()
    held.release()

    assert late == CancelledRun(RUN_ID, stopped=False, seconds=0)
    assert requests == ["cancelled by bob"] * 2
    with pytest.raises(InvalidInputError, match="is not in progress"):
        cancel_run(env.state, RUN_ID, "bob")


def test_the_newest_run_that_suits_is_the_last_one(env):
    ids = [f"2026010{day}{RUN_ID[8:]}" for day in (1, 2)]
    for run in ids:
        env.state.begin(RunState(run=run, runbook="RUN-001", title="T", started="", user="alice")).release()

    found = find_run(env.state, "last"), find_run(env.state, "last", suits=lambda run: run.path.name == ids[0])

    assert [run.path.name for run in found] == [ids[1], ids[0]]
    with pytest.raises(InvalidInputError, match="none suits"):
        find_run(env.state, "last", suits=lambda _: False, none="none suits")
