"""A look calls, sends what waits, and leaves word of when it was, on the clock that no jump moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.fake_run import environment_in
from harness.fakes import RUN_ID, runbook_file
from harness.fault_server import FaultServer
from harness.notifications import ONE

from runner.channels.webhook import Webhook
from runner.escalation.outbox import Outbox
from runner.services.watching import LastLook, last_look, look
from runner.store.run_state import RunState


@pytest.fixture
def env(tmp_path):
    return environment_in(tmp_path)


def test_nobody_has_looked_yet(env):
    assert last_look(env.state, env.clock()) == LastLook(None)


def test_when_a_look_was_is_known_whatever_the_wall_clock_does(env):
    look(env)
    env.clock.forward(4)
    env.clock.wall += timedelta(days=30)

    looked = last_look(env.state, env.clock())
    env.clock.forward(60)

    assert (looked, looked.is_recent) == (LastLook(4.0), True)
    assert last_look(env.state, env.clock()).is_recent is False


def test_a_look_before_the_machine_was_restarted_is_none(env):
    look(env)
    env.clock.boot = "boot-2"

    assert last_look(env.state, env.clock()) == LastLook(None)


def test_what_waits_is_sent_and_a_run_that_died_is_recovered_and_called_for(env, tmp_path):
    path = str(runbook_file(tmp_path / "library"))
    env.state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice", path=path)).release()
    with FaultServer("200") as server:
        Outbox(env.state.path / "outbox").put(replace(ONE, channel=Webhook(url=server.url).written()))

        looked = look(env)

    assert ONE.run in [each.notification.run for each in looked.flushed.sent]
    assert [each.run.status for each in looked.recovery.runs] == ["abandoned"]
    assert looked.all_arrived is False  # nobody listens where the on-call engineer of that library is
