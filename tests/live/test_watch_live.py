"""Whatever kills a critical run, exactly one page is sent: by a watch, or by the next command where nobody watches.

`RUNBOOK_TEST_KILLS` says at how many random instants, `RUNBOOK_TEST_SEED` which ones: a failure names its seed.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.bench import kill, step, wait_until
from harness.fault_server import FaultServer
from harness.places import Tree

KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "1"))
SEED = int(os.environ.get("RUNBOOK_TEST_SEED", "1"))
BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
WITHIN = 60
"""Seconds in which a watch has called."""

VICTIMS = ("the command", "both", "the supervisor")
POLICY = {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]}


def contacts(server):
    channel = f"{{pagerduty: {{routing_key: 'env:KEY', url: '{server.url}'}}}}"
    return f"owners: {{name: Owners}}\non-call: {{name: On-call, channels: [{channel}]}}\n"


@pytest.fixture
def server():
    with FaultServer("ok") as server:
        yield server


@pytest.fixture
def critical(bench, server):
    """A critical run whose steps go on until it is killed."""
    bench.environment = {"KEY": "R" * 32}
    begun = bench.directory / "begun"
    steps = [step(f"s{number}", f"touch {begun}; sleep 2", on_failure="escalate") for number in range(30)]
    bench.write(*steps, severity="P1", contacts=contacts(server), escalation=POLICY)
    return bench.begun(begun)


@pytest.fixture
def watching(bench, critical):
    process = bench.started("watch")
    wait_until((bench.state / "watch").exists, "it watches", process)
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)


def killed(process, seed, victims):
    """Kill -9 of `victims`, at a random instant."""
    time.sleep(random.Random(seed).uniform(0.0, 3.0))
    tree = Tree(process.pid)
    both = [tree.command, tree.supervisor]
    chosen = {"the command": both[:1], "the supervisor": both[1:], "both": both, "all": tree.all}[victims]
    for pid in chosen if len(chosen) > 1 else ():  # none of them sees another die
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    for pid in chosen:
        with contextlib.suppress(ProcessLookupError):
            kill(pid)


def leases(bench):
    return list((bench.state / "leases").glob("*.json"))


def triggers(server):
    return [event for event in server.events if event["event_action"] == "trigger"]


@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
def test_a_watch_sends_one_page_for_a_run_that_was_killed(bench, critical, watching, server, seed):
    victims = VICTIMS[seed % len(VICTIMS)]
    killed(critical, seed, victims)
    wait_until(lambda: triggers(server), f"somebody is called: seed {seed}, {victims}", seconds=WITHIN)
    critical.communicate(timeout=PATIENCE)

    looked = [bench.command("watch", "--once"), bench.command("status")]

    assert [each.code for each in looked] == [0, 0], (victims, looked)
    assert len(triggers(server)) == 1, (victims, server.events)
    assert leases(bench) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
def test_where_nobody_watches_the_next_command_sends_one_page(bench, critical, server, seed):
    victims = VICTIMS[(seed + 1) % len(VICTIMS)]
    killed(critical, seed, victims)
    critical.communicate(timeout=PATIENCE)

    looked = [bench.command("status"), bench.command("status"), bench.command("watch", "--once")]

    assert [each.code for each in looked] == [0, 0, 0], (victims, looked)
    assert len(triggers(server)) == 1, (victims, server.events)
    assert leases(bench) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + (KILLS + 1) // 2))
def test_when_the_machine_was_restarted_whoever_looks_first_sends_one_page(bench, critical, server, seed):
    killed(critical, seed, "all")
    critical.communicate(timeout=PATIENCE)
    (lease,) = leases(bench)
    lease.write_text(lease.read_text().replace(BOOT, "the-boot-before"))
    finders = [("watch", "--once"), ("status",)]

    looked = [bench.command(*finders[(seed + turn) % len(finders)]) for turn in (0, 1)]

    assert [each.code for each in looked] == [0, 0], looked
    assert len(triggers(server)) == 1, server.events
    assert leases(bench) == []


def test_two_watches_and_a_command_at_once_send_one_page(bench, critical, watching, server):
    second = bench.started("watch")
    kill(critical.pid)
    critical.communicate()
    bench.command("status")
    wait_until(lambda: triggers(server), "somebody is called", seconds=WITHIN)
    wait_until(lambda: not leases(bench), "all have looked")
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=PATIENCE)

    assert len(triggers(server)) == 1
