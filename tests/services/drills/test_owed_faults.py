"""What a drill that has died owes is taken back by the next command, and stays owed where that cannot be."""

from __future__ import annotations

import sys
from dataclasses import replace

from harness.staging_drill import installation_of

from runner.cli import system
from runner.core.process_stat import started
from runner.services.drills.hosts_that_stay import GONE, STEP
from runner.services.drills.owed_faults import is_dead, take_back_abandoned
from runner.store.owed_undos import ArmedHost, OwedUndo

RUN = "20260101T000000Z-00000001"


def owed(tmp_path, **changes):
    inventory = tmp_path / "hosts.ini"
    python = f"ansible_python_interpreter={sys.executable}"
    inventory.write_text(f"app1 ansible_connection=local {python}\nfar ansible_host=127.0.77.99 ansible_port=1\n")
    with inventory.open("a") as file:
        file.write(f"moved ansible_connection=local {python}\n")
    now, actor = system.clock(), system.actor()
    pid, ticks = actor.pid, started(actor.pid)
    armed = ArmedHost("app1", "", (str(inventory),), "2026-01-01T00:05:00", pid, ticks, now.boot_id, broken=True)
    armed = replace(armed, **changes)
    return OwedUndo(armed.host, "RUN-100", STEP, RUN, "2026-01-01T00:00:00", armed)


def test_a_drill_that_lives_is_left_alone(tmp_path):
    here = installation_of(tmp_path)
    here.state.owed_undos.add(owed(tmp_path))

    assert (take_back_abandoned(here), len(here.state.owed_undos.all())) == ((), 1)


def test_one_is_dead_when_its_process_or_its_boot_is_another(tmp_path):
    armed, now = owed(tmp_path).armed, system.clock()

    assert not is_dead(armed, now)
    assert is_dead(replace(armed, process_started=1), now)
    assert is_dead(armed, replace(now, boot_id="another"))


def test_of_several_hosts_those_that_are_reached_are_paid_and_the_others_stay_owed(tmp_path):
    here = installation_of(tmp_path)
    for host in ("app1", "far", "moved"):
        machine = "of another one" if host == "moved" else ""
        here.state.owed_undos.add(owed(tmp_path, host=host, process_started=1, machine=machine))

    (taken,) = take_back_abandoned(here)

    assert (taken.run, taken.runbook, taken.hosts["app1"], [*taken.left]) == (RUN, "RUN-100", GONE, ["far", "moved"])
    assert "127.0.77.99" in taken.left["far"]
    assert taken.left["moved"] == "it leads to another machine than the one on which the undo was armed"
    assert {each.host for each in here.state.owed_undos.all()} == {"far", "moved"}
    assert take_back_abandoned(here) == ()  # a moment later nobody waits for it once more
    assert not here.state.at_rest
