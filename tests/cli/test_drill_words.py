"""`runbook drill stop`: all drills end, none begins, and what is left broken is named."""

from __future__ import annotations

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
    assert "web1 does so by itself at 2026-01-01T00:05:00 UTC, if it lives" in ran.err


def test_the_help_names_the_words(runbook, here):
    assert "  stop  End all drills of this state directory" in runbook("drill", "--help").out
