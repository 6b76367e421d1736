"""While a drill lasts nobody else works on its hosts, and none begins where an earlier one is not taken back."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from harness.staging_drill import installation_of

from runner.core.errors import InvalidInputError, LockedError
from runner.services.drills.hosts_that_stay import STEP, alone, check_nothing_owed, held
from runner.store.owed_undos import ArmedHost, OwedUndo

RUN, OTHER = "20260101T000000Z-00000001", "20260101T000000Z-00000002"


def test_another_drill_or_run_waits_and_the_run_of_the_drill_itself_does_not(tmp_path):
    here = installation_of(tmp_path)

    with held(here, RUN, "RUN-100", ["web1:22"]):
        with held(here, RUN, "RUN-100", ["web1:22"]):
            pass
        with (
            pytest.raises(LockedError, match="host:web1:22 is held by .* run .* of RUN-100 at the step drill"),
            held(here, OTHER, "RUN-200", ["db1:22", "web1:22"]),
        ):
            pass
    with held(here, OTHER, "RUN-200", ["web1:22"]):
        pass


def test_a_drill_of_another_state_directory_is_refused_in_one_line_that_says_whose_it_is(tmp_path):
    caches = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    here, elsewhere = (replace(installation_of(tmp_path / name), environ=caches) for name in ("one", "two"))

    with alone(here, ["RUN-100", "RUN-200"], ["10.77.0.11:22", "10.77.0.12:22"]):
        with pytest.raises(LockedError) as caught, alone(elsewhere, ["RUN-300"], ["10.77.0.12:22", "10.77.0.99:22"]):
            pass
        with alone(elsewhere, ["RUN-300"], ["10.77.1.12:22"]):
            pass
    with alone(elsewhere, ["RUN-300"], ["10.77.0.12:22"]):
        pass

    user, host = here.actor.user, here.actor.host
    assert (caught.value.message, caught.value.hint) == (
        f"host:10.77.0.12:22 is held by {user} on {host} (pid {os.getpid()}): a drill of RUN-100, RUN-200, for 0s",
        "nothing was broken; begin again when that has ended",
    )


def test_what_an_earlier_drill_has_left_comes_first(tmp_path):
    here = installation_of(tmp_path)
    armed = ArmedHost("web1", "root", ("/x",), "2026-01-01T00:05:00", 1, 1, "boot", broken=True)
    here.state.owed_undos.add(OwedUndo("web1", "RUN-100", STEP, RUN, "2026-01-01T00:00:00", armed))
    here.state.owed_undos.add(OwedUndo("queue1", "RUN-100", "deploy", RUN, "2026-01-01T00:00:00"))

    check_nothing_owed(here, ["queue1"])
    with pytest.raises(InvalidInputError) as caught:
        check_nothing_owed(here, ["queue1", "web1"])

    assert (f"web1 (of the drill {RUN} of RUN-100)" in caught.value.message, caught.value.hint) == (
        True,
        "runbook drill stop --all",
    )
