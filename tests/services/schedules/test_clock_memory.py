"""Each machine has its own clock, and what was seen of it is known to the next look there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.scheduler import BEGIN, MINUTE, Scheduler, schedule

from runner.services.schedules.clock_memory import checked, forget, last_look
from runner.services.schedules.tick import tick


@pytest.fixture
def scheduler(tmp_path):
    return Scheduler(tmp_path)


def test_machines_with_one_state_directory_each_have_their_own_clock(scheduler):
    scheduler.write(schedule())
    other = replace(scheduler.env, actor=replace(scheduler.env.actor, host="other.example"))
    theirs = lambda: scheduler.clocks(boot="boot-2")  # noqa: E731
    for _ in range(2):
        scheduler.looks(MINUTE)
        tick(other, scheduler.library, theirs)
    scheduler.clock.wall += timedelta(days=30)

    assert scheduler.looks(MINUTE).held == "the clock was put ahead by 30d"
    assert tick(other, scheduler.library, theirs).held == "the clock was put ahead by 30d"


def test_who_looked_last_is_known_until_it_is_forgotten(scheduler):
    state = scheduler.env.state
    assert last_look(state) is None
    for machine in ("a/b", "c"):
        checked(state, machine, scheduler.clocks(), None)
        scheduler.clock.forward(60)
    forget(state, "c")

    assert last_look(state).seen.wall == BEGIN


def test_what_cannot_be_read_counts_as_never_seen(scheduler):
    state = scheduler.env.state
    checked(state, "a", scheduler.clocks(), None)
    (state.path / "clocks" / "a.json").write_text("{")

    assert (last_look(state), checked(state, "a", scheduler.clocks(), None).held) == (None, "")
