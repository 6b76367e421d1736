"""`runbook ack` says who has the incident of a run, and who had it before."""

from __future__ import annotations

import pytest
from harness.fake_run import ACTOR
from harness.fakes import RUN_ID, Clock

from runner.core.events import Event, EventType
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

CALLED = {"action": "trigger", "contact": "on-call", "channel": "fake", "status": "accepted"}


@pytest.fixture
def called(here):
    """A run that has failed, and for which somebody was called."""
    state = StateDirectory.open(here / ".runbook")
    directory = state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice"))
    with state.open_log(clock=Clock(), actor=ACTOR) as log:
        log.append(
            Event(EventType.RUN_STARTED, RUN_ID, data={"runbook": "RUN-001", "title": "Disk is full"}),
            Event(EventType.PAGE_FINISHED, RUN_ID, data=CALLED),
            Event(EventType.RUN_FINISHED, RUN_ID, data={"outcome": "failed"}),
        )
    directory.update(status="finished", outcome="failed")
    directory.release()


@pytest.mark.usefixtures("called")
def test_the_first_has_it_and_the_second_hears_who_does(runbook):
    first, second = (runbook("ack", "last", "--note", "I look at db1") for _ in range(2))

    assert (first.code, second.code) == (0, 0)
    assert first.out.startswith(f"acknowledged  run {RUN_ID}: ")
    assert f"runbook show {RUN_ID} --format handoff" in first.err
    assert second.out.startswith(f"the run {RUN_ID} was acknowledged before, by ")
    assert "I look at db1" in second.out


def test_a_run_that_is_not_there_is_no_incident(runbook):
    ran = runbook("ack", RUN_ID)

    assert (ran.code, "no run" in ran.err) == (2, True)


@pytest.mark.usefixtures("called")
def test_status_says_who_was_called_and_how_to_take_it_until_somebody_has_it(runbook):
    takes = f"nobody has acknowledged: runbook ack {RUN_ID} takes it; nobody else is called"

    before, _, after = (runbook(*words, "last") for words in (["status"], ["ack"], ["status"]))

    assert ["called on-call by fake at" in each.out for each in (before, after)] == [True, True]
    assert [takes in each.out for each in (before, after)] == [True, False]
