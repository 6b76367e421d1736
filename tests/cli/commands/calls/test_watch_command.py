"""`runbook watch`: one look with --once, a unit with --export, and else a loop that a signal ends."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace

import pytest
from harness import PATIENCE
from harness.bench import Bench, wait_until
from harness.fault_server import FaultServer
from harness.notifications import ONE

from runner.channels.webhook import Webhook
from runner.core.events import Instant
from runner.escalation.outbox import written
from runner.store.lease import Lease
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

LOOP = "a-loop"


@pytest.fixture
def state(here):
    return StateDirectory.open(here / "state")


@pytest.fixture
def watch(runbook, state):
    return lambda *words: runbook("--state-dir", "state", "watch", *words)


def leave(state, server, name=LOOP):
    """The lease of a process of another boot of this machine."""
    call = written(replace(ONE, channel=Webhook(url=server.url).written(), run=name))
    since = Instant(ONE.requested, 1.0, "another-boot")
    state.leases.write(Lease(name=name, since=since, pid=os.getpid(), process_started=1, calls=(call,)))


def test_where_nothing_has_died_nothing_is_said(watch):
    looked = watch("--once")

    assert (looked.code, looked.out, looked.err) == (0, "", "")


def test_a_lease_of_before_the_machine_was_restarted_is_called_for_once(watch, state):
    with FaultServer("200") as server:
        leave(state, server)
        first, second = watch("--once"), watch("--once")

    assert (first.code, first.err) == (0, f"page     on-call by webhook for the run {LOOP}: it arrived\n")
    assert (second.code, second.err, len(server.events)) == (0, "", 1)


def test_somebody_who_was_not_reached_is_in_the_exit_code(watch, state):
    with FaultServer("400") as server:
        leave(state, server)
        looked = watch("--once")

    assert looked.code == 8
    assert "NOT REACHED" in looked.err


def test_the_next_command_calls_where_nobody_watches(runbook, watch, state):
    state.begin(RunState(run=ONE.run, runbook="RUN-001", title="T", started="", user="alice")).release()
    with FaultServer("200") as server:
        leave(state, server, ONE.run)
        shown, looked = runbook("--state-dir", "state", "status"), watch("--once")

    assert f"page     on-call by webhook for the run {ONE.run}: it arrived" in shown.err
    assert ("page " in looked.err, len(server.events)) == (False, 1)


def test_status_says_whether_somebody_watches_while_a_critical_run_is_going_on(runbook, watch, state):
    held = state.begin(RunState(run=ONE.run, runbook="RUN-001", title="T", started="", user="alice"))
    before = runbook("--state-dir", "state", "status").err
    with FaultServer("200") as server:
        leave(state, server, ONE.run)
        alone = runbook("--state-dir", "state", "status").err
        watch("--once")
        watched = runbook("--state-dir", "state", "status").err
    held.release()

    assert (before, alone.startswith("watch: no watch is running: ")) == ("", True)
    assert re.sub(r"\d+ s", "N s", watched) == "watch: a watch looked N s ago\n"


def test_the_unit_names_this_command_and_this_state_directory(watch, state):
    exported = watch("--export", "systemd")

    assert exported.code == 0
    assert f" --state-dir {state.path} watch\n" in exported.out
    assert f"User={state.path.owner()}\n" in exported.out


def test_the_loop_looks_and_ends_well_by_a_signal(tmp_path):
    bench = Bench(tmp_path)
    state = StateDirectory.open(bench.state)
    with FaultServer("200") as server:
        leave(state, server)
        process = bench.started("watch")
        wait_until(lambda: server.events, "it calls", process)
        wait_until((bench.state / "watch").exists, "it notes that it looked", process)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (0, "")
    assert err.splitlines() == [
        f"watching {bench.state}: every 5 s",
        f"page     on-call by webhook for the run {LOOP}: it arrived",
    ]
