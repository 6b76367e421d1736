"""`runbook drill init` writes a first drill, `runbook drill stop` ends all of them."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file
from harness.runbook_files import FAULT_VALUES

from runner.kinds.plugins import faults
from runner.lab.drills.armed_undo import host_undos
from runner.lab.drills.plain_ansible import Inventory
from runner.library.library import Library
from runner.services.drills.hosts_that_stay import STEP
from runner.store.owed_undos import ArmedHost, OwedUndo
from runner.store.state_directory import StateDirectory


def test_no_drill_begins_until_they_may_again(runbook, here):
    stopped = runbook("drill", "stop", "--all")
    refused = runbook("--library", "shipped", "drill", "RUN-001")
    over = runbook("drill", "stop", "--over")

    assert (stopped.code, stopped.out.startswith("stopped  all drills are stopped, by ")) == (0, True)
    assert (refused.code, "all drills are stopped" in refused.err) == (4, True)
    assert (over.code, over.out, runbook("drill", "stop").out) == (0, "drills may begin again\n", "")


def test_what_is_not_taken_back_is_named(runbook, here):
    armed = ArmedHost(
        "web1", "", (str(here / "nowhere.ini"),), "2026-01-01T00:05:00", 1, 1, "another boot", broken=True
    )
    owed = OwedUndo("web1", "RUN-100", STEP, "20260101T000000Z-00000001", "2026-01-01T00:00:00", armed)
    StateDirectory.open(here / ".runbook").owed_undos.add(owed)

    ran = runbook("drill", "stop")

    assert ran.code == 1
    assert "broken   web1: the drill 20260101T000000Z-00000001 of RUN-100 is not taken back" in ran.out
    assert "if it was not reached, web1 does so by itself at 2026-01-01T00:05:00 UTC" in ran.err


def test_the_help_names_the_words(runbook, here):
    assert "  stop  Stop all drills (--all), until --over." in runbook("drill", "--help").out


STEPS = [
    {
        "id": "verify-alert",
        "name": "See that users get no answer",
        "verify": [{"says": "The shop fails", "http": "http://web:8080/health", "that": "status == 503"}],
    },
    {
        "id": "restart",
        "name": "Start it again",
        "command": "systemctl restart shop",
        "become": True,
        "verify": [{"says": "It answers", "http": "http://web:8080/health", "within": "1m"}],
    },
]


@pytest.mark.parametrize("fault", [*faults()])
def test_each_fault_passes_lint_and_has_an_undo_that_a_host_can_do_alone(runbook, here, fault):
    runbook_file(here, hosts="web", steps=STEPS)
    given = [word for name in faults()[fault].needs for word in ("-e", f"{name}={FAULT_VALUES[name]}")]

    written = runbook("drill", "init", "RUN-001", "--fault", fault, *given)

    linted = runbook("lint", "RUN-001")
    source = Library(here).usable("RUN-001")
    (undo,) = host_undos(source, source.runbook.drill[0], Inventory({"web": ["web1"]}, {"web1": {}}))
    about_drill = [line for line in linted.out.splitlines() if "drill" in line]
    assert (written.code, linted.code, about_drill, undo.host) == (0, 0, [], "web1"), written.err
    assert "runbook drill RUN-001 -i inventories/staging" in written.err


def test_the_faults_are_shown_with_what_they_need(runbook, here):
    shown = runbook("drill", "init", "--faults").out

    assert [line.split()[0] for line in shown.splitlines()[1:]] == sorted(faults())
