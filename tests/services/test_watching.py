"""A look calls, sends what waits, and leaves word of itself, on the clock that no jump moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.fake_run import environment_in
from harness.fakes import RUN_ID, runbook_file
from harness.fault_server import FaultServer
from harness.notifications import ONE

from runner.channels.webhook import Webhook
from runner.escalation.outbox import Outbox, written
from runner.executor.testing import ScriptedExecutor
from runner.services.watching import LastLook, last_look, look, watch_in_words
from runner.store.lease import Lease
from runner.store.run_state import RunState

NOBODY_WATCHES = (
    "no watch is running: should the command of a critical run die, nobody is called before the next command"
)


@pytest.fixture
def env(tmp_path):
    return environment_in(tmp_path)


def words(env):
    return watch_in_words(env.state, env.clock())


def test_when_a_look_was_is_known_whatever_the_wall_clock_does(env):
    before = words(env)
    look(env)
    env.clock.forward(4)
    env.clock.wall += timedelta(days=30)
    while_it_runs = words(env)
    env.clock.forward(60)

    assert (before, while_it_runs, words(env)) == (NOBODY_WATCHES, "a watch looked 4 s ago", NOBODY_WATCHES)
    assert last_look(env.state, env.clock()) == LastLook(64.0)


def test_a_look_before_the_machine_was_restarted_is_none(env):
    look(env)
    env.clock.boot = "boot-2"

    assert (last_look(env.state, env.clock()), words(env)) == (None, NOBODY_WATCHES)


@pytest.mark.parametrize("mark", ["", "{", "[]", '{"boot": "boot-1"}', '{"boot": "boot-1", "not_callable": 1}'])
def test_a_mark_that_cannot_be_read_is_none(env, mark):
    (env.state.path / "watch").write_text(mark)

    assert last_look(env.state, env.clock()) is None


def test_whom_the_watch_could_not_call_is_known_before_anybody_dies(env):
    def secrets(reference):
        raise LookupError(reference)

    channel = Webhook(url="https://example.com/", headers={"Authorization": "env:TOKEN"}).written()
    lease = Lease.ours(RUN_ID, env.clock(), [written(replace(ONE, channel=channel))])
    env.state.leases.write(lease)

    with_secrets, without = look(env).not_callable, look(replace(env, secrets=secrets)).not_callable

    assert (with_secrets, len(without)) == ((), 1)
    assert "on-call by webhook: the secret env:TOKEN is missing" in without[0]
    assert words(env) == f"a watch looked 0 s ago, and could not call {without[0]}"


def test_a_part_of_a_look_that_fails_keeps_no_other_from_being_done(env):
    class Defective(ScriptedExecutor):
        def clean_up(self, run, *, environ):
            raise KeyError("a defect")

    env.state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice")).release()
    with FaultServer("200") as server:
        Outbox(env.state.path / "outbox").put(replace(ONE, channel=Webhook(url=server.url).written()))
        looked = look(replace(env, executor=Defective()))

    assert [each.receipt.ok for each in looked.flushed.sent] == [True]
    assert (len(looked.problems), "KeyError" in looked.problems[0], looked.all_arrived) == (1, True, False)
    assert last_look(env.state, env.clock()) == LastLook(0.0)


def test_what_waits_is_sent_and_a_run_that_died_is_recovered_and_called_for(env, tmp_path):
    path = str(runbook_file(tmp_path / "library"))
    env.state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="T", started="", user="alice", path=path)).release()
    with FaultServer("200") as server:
        Outbox(env.state.path / "outbox").put(replace(ONE, channel=Webhook(url=server.url).written()))

        looked = look(env)

    assert ONE.run in [each.notification.run for each in looked.flushed.sent]
    assert [each.run.status for each in looked.recovery.runs] == ["abandoned"]
    assert looked.all_arrived is False  # nobody listens where the on-call engineer of that library is
