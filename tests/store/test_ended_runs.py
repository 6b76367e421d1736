"""The states of runs that have ended are read once, and again when anything has changed them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.store.ended_runs import running
from runner.store.run_state import STATE, RunDirectory, RunState
from runner.store.state_directory import StateDirectory

IDS = [f"2026010{day}T000000Z-00000001" for day in range(1, 6)]
STATE_OF = RunState(run="", runbook="RUN-001", title="T", started="", user="alice")


@pytest.fixture
def state(tmp_path):
    """Five runs, of which the third is going on."""
    state = StateDirectory.open(tmp_path / "state")
    for run in IDS:
        directory = state.begin(replace(STATE_OF, run=run))
        directory.update(status="running" if run == IDS[2] else "finished")
        directory.release()
    return state


def names(state, many=1):
    return [run.path.name for run in running(state.runs_path, state.names(), many=many)]


def reads(monkeypatch):
    """The runs whose state is read from now on."""
    found, state = [], RunDirectory.state.fget
    monkeypatch.setattr(RunDirectory, "state", property(lambda run: found.append(run.path.name) or state(run)))
    return found


def test_a_state_that_said_that_the_run_has_ended_is_not_read_again(state, monkeypatch):
    assert names(state) == [IDS[2]]
    found = reads(monkeypatch)

    assert names(state) == [IDS[2]]
    assert found == [IDS[2]]


def test_a_run_that_goes_on_again_is_found(state):
    names(state)
    state.run(IDS[0]).update(status="running")

    assert names(state) == [IDS[0], IDS[2]]


def test_few_runs_leave_nothing_behind(state):
    assert names(state, many=6) == [IDS[2]]
    assert [path.name for path in state.path.iterdir()] == ["runs"]


@pytest.mark.parametrize("content", [b"", b"garbage" * 999])
def test_what_is_damaged_is_made_anew(state, content):
    names(state)
    (state.path / "runs-index.sqlite").write_bytes(content)

    assert names(state) == names(state) == [IDS[2]]


def test_a_state_that_cannot_be_read_is_no_run_and_is_looked_at_again(state):
    path = state.run(IDS[2]).path / STATE
    text = path.read_text()
    path.write_text("{")
    assert names(state) == []
    path.write_text(text)

    assert names(state) == [IDS[2]]
