"""`runbook ack` says who has the incident of a run, and who had it before."""

from __future__ import annotations

import pytest
from harness.fake_run import ACTOR
from harness.fakes import RUN_ID, Clock

from runner.core.events import Event, EventType
from runner.escalation.incidents import Incident, Incidents
from runner.escalation.policy import dedup_key
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


LATER = "20260102T000000Z-0123abcd"


@pytest.mark.usefixtures("called")
def test_status_says_which_tickets_were_opened_and_which_run_has_ended_the_incident(runbook, here):
    ticket = {"action": "ticket", "contact": "backlog", "channel": "github", "notification": "t1"}
    opened = {**ticket, "status": "accepted", "reason": "opened: 7, https://github.com/team/ops/issues/7"}
    refused = {**ticket, "notification": "t2", "status": "refused", "reason": "answered 401"}
    with StateDirectory.open(here / ".runbook").open_log(clock=Clock(), actor=ACTOR) as log:
        log.append(*(Event(EventType.PAGE_FINISHED, RUN_ID, data=data) for data in (opened, refused)))
        log.append(Event(EventType.INCIDENT_OVER, RUN_ID, data={"as_run": LATER}))

    status, ack = runbook("status", "last"), runbook("ack", "last")

    assert [line.strip() for line in status.out.splitlines() if "ticket" in line or "incident" in line] == [
        "ticket backlog by github: opened: 7, https://github.com/team/ops/issues/7",
        "ticket backlog by github: NOT OPENED, open it yourself: answered 401",
        f"the incident is over: the run {LATER} has passed",
    ]
    assert "nobody has acknowledged" not in status.out
    assert (ack.code, f"is over: the run {LATER} has passed" in ack.err) == (2, True)


def test_status_of_a_run_that_passed_says_which_incident_stays_open(runbook, here):
    state = StateDirectory.open(here / ".runbook")
    directory = state.begin(RunState(run=LATER, runbook="RUN-001", title="T", started="", user="alice"))
    with state.open_log(clock=Clock(), actor=ACTOR) as log:
        log.append(
            Event(EventType.RUN_STARTED, LATER, data={"runbook": "RUN-001", "title": "Disk is full"}),
            Event(EventType.TARGET_RESOLVED, LATER, data={"environment": "lab", "hosts": ["db1"]}),
            Event(EventType.RUN_FINISHED, LATER, data={"outcome": "passed"}),
        )
    directory.update(status="finished", outcome="passed")
    directory.release()
    incidents = Incidents(state.path / "incidents")
    for run, hosts in ((RUN_ID, ("db1", "db2")), (RUN_ID, ("db2",)), (f"9{LATER[1:]}", ("db1", "db3"))):
        incidents.open(Incident(dedup_key("RUN-001", "lab", hosts), run, ("on-call",), hosts=hosts))

    shown = runbook("status", "last").out

    assert [line.strip() for line in shown.splitlines() if "incident" in line] == [
        f"the incident about db1, db2 (run {RUN_ID}) stays open until a run passes on all of these hosts"
    ]
