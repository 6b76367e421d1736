"""A critical run leaves word of whom to call for as long as it is going on, and nothing once it has ended."""

from __future__ import annotations

import pytest
from harness.engine import FAILED, Engine, change
from harness.fakes import RUN_ID

from runner.core.events import EventType
from runner.escalation import outbox
from runner.escalation.policy import dedup_key


@pytest.fixture
def engine(tmp_path, monkeypatch):
    return Engine(tmp_path, monkeypatch)


@pytest.fixture
def leases(engine):
    """What the leases were at each event of the run."""
    found = {}
    engine.env.listeners.append(lambda event: found.update({event.type: engine.env.state.leases.all()}))
    return found


def calls(found):
    ((lease, _),) = found
    return [outbox.read(data) for data in lease.calls]


@pytest.mark.parametrize("severity", ["P0", "P1", "critical"])
def test_a_critical_run_has_a_lease_that_says_whom_to_call_as_the_run_itself_would(engine, leases, severity):
    engine.run(change("one"), severity=severity)

    (call,) = calls(leases[EventType.STEP_INTENDED])
    page = call.page
    assert (call.run, call.contact, page.action, page.severity) == (RUN_ID, "on-call", "trigger", "critical")
    assert page.summary.endswith("its command died, and nobody knows how it ended")
    assert page.dedup_key == dedup_key("RUN-001", "local", ["db1"])
    assert {"what happened", "continue with", "timeline"} <= page.details.keys()


def test_before_its_hosts_are_known_it_is_the_incident_of_what_was_aimed_at(engine, leases):
    engine.run(change("one"), severity="P0")

    (call,) = calls(leases[EventType.TARGET_RESOLVED])
    assert call.page.dedup_key == dedup_key("RUN-001", "unknown", [*map(str, engine.asked_for.inventories), ""])


@pytest.mark.parametrize("ends", [{}, {("one", "action"): FAILED}], ids=["well", "badly"])
def test_the_lease_of_a_run_that_has_ended_is_gone(engine, leases, ends):
    engine.ansible.answers.update(ends)
    engine.run(change("one"), severity="P1")

    assert len(leases[EventType.RUN_FINISHED]) == 1
    assert engine.env.state.leases.all() == []


@pytest.mark.parametrize("asked", [{"severity": "P2"}, {"severity": "P0", "mode": "dry-run"}])
def test_what_nobody_must_wake_up_for_has_none(engine, leases, asked):
    engine.run(change("one"), **asked)

    assert set(map(len, leases.values())) == {0}


def test_a_run_goes_on_though_its_lease_cannot_be_written(engine, leases):
    (engine.env.state.path / "leases").write_text("")

    assert engine.run(change("one"), severity="P0").outcome == "passed"
