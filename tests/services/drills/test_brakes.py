"""A drill ends before its time where somebody has stopped all of them, or a condition of its own holds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from harness.staging_drill import installation_of

from runner.core.errors import DeniedError
from runner.lab.probe import ProbeAnswer
from runner.services.drills.brakes import Brakes, check_not_stopped, let_go, pull, pulled


def test_the_lever_stays_pulled_until_somebody_lets_go(tmp_path):
    here = installation_of(tmp_path)
    check_not_stopped(here.state)

    lever = pull(here)

    assert pulled(here.state) == lever
    with pytest.raises(DeniedError, match=f"all drills are stopped, by {here.actor.user} since "):
        check_not_stopped(here.state)
    assert (let_go(here.state), let_go(here.state), pulled(here.state)) == (True, False, None)


def test_a_lever_that_cannot_be_read_is_pulled(tmp_path):
    here = installation_of(tmp_path)
    (here.state.path / "drills-stopped").write_text("?")

    assert pulled(here.state).by == "somebody"


def asked(says, *, holds):
    return SimpleNamespace(look=SimpleNamespace(says=says), ask=lambda: ProbeAnswer(holds))


@pytest.mark.parametrize(
    ("looks", "stopped", "reason"),
    [
        ([], "", ""),
        ([asked("Another alert fires", holds=False)], "", ""),
        ([asked("One fails", holds=False), asked("Too many errors", holds=True)], "", "Too many errors"),
        ([asked("Too many errors", holds=True)], "all drills are stopped", "all drills are stopped"),
    ],
)
def test_the_run_is_stopped_once_and_the_reason_stays(looks, stopped, reason):
    told = []
    brakes = Brakes(looks, lambda: stopped, told.append)

    answers = [brakes.look().good, brakes.look().good]

    assert (answers, told, brakes.reason) == ([not reason] * 2, [reason] if reason else [], reason)
