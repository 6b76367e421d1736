"""Schedulers that are killed at any statement begin nothing twice, and leave no planned instant without an end.

`RUNBOOK_TEST_KILLS` says at how many statements, evenly spread over a look, three that look at the same time are killed;
with as many as a look has, at each. Up to thirty that look after a lot of schedules are killed at random.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections import Counter
from contextlib import suppress

import pytest
from harness.scheduler import BEGIN, MINUTE, Scheduler, schedule

from runner.core.errors import RunbookError
from runner.scheduling.decision import Fate
from runner.scheduling.entries import entry
from runner.services.schedules.planned_runs import check_claimed, record_end
from runner.store.run_state import RunState

KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "3"))
STATEMENTS = 11_000
"""More than a look at three schedules executes, with what it begins."""
ENDS = {"ran", "missed", "skipped", "refused"}


@pytest.fixture
def scheduler(tmp_path):
    return Scheduler(tmp_path)


def begins(scheduler, claim):
    """Begin the run of `claim` as the command does; that it was begun is a line in a file."""
    env, found = scheduler.env, entry(scheduler.library, claim.schedule)
    with suppress(RunbookError):
        check_claimed(env, scheduler.library, found, claim.planned)
        state = RunState(claim.run, found.runbook, "T", "", "u", mode="auto", environment="local")
        directory = env.state.begin(state)
        with (scheduler.directory / "begun").open("a") as file:
            file.write(f"{claim.run}\n")
        directory.update(status="finished", outcome="passed", finished=env.clock().wall.isoformat())
        directory.release()
        record_end(env, found, claim.planned, Fate.RAN, "")


def looks_and_begins(scheduler):
    for claim in scheduler.looks().to_begin:
        begins(scheduler, claim)


def started(scheduler, statement):
    """A process that looks, begins, and is killed when it comes to that statement."""
    child = os.fork()
    if child == 0:  # pragma: no cover - it is killed
        left = [statement]

        def trace(frame, event, _):
            if "/runner/" not in frame.f_code.co_filename:
                return None
            left[0] -= event == "line"
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            looks_and_begins(scheduler)
        finally:
            os._exit(0)
    return child


def killed(children):
    """How many of the processes were killed."""
    return sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL for child in children)


def settled(scheduler):
    """What became of each planned instant, once nobody is killed any more, and how often each run was begun."""
    for _ in range(3):
        looks_and_begins(scheduler)
        scheduler.clock.forward(120)
    states = {(each.data["schedule"], each.data["planned"]): each.data.get("state") for each in scheduler.records}
    ends = Counter((each.data["schedule"], each.data["planned"]) for each in scheduler.records if "state" in each.data)
    lines = (scheduler.directory / "begun").read_text().split() if (scheduler.directory / "begun").exists() else []
    return states, ends, Counter(lines)


@pytest.mark.parametrize("seed", range(KILLS))
def test_of_three_that_are_killed_while_they_look_at_the_same_time(scheduler, seed):
    keys = {"every": "10m", "cron": None, "zone": None, "late_ok": "15m"}
    scheduler.write(schedule("night", **keys), schedule("open", **keys, window="00:00-00:30"), schedule("day", **keys))
    scheduler.looks()
    scheduler.clock.forward(3600)
    first = 1 + seed * STATEMENTS // KILLS
    at = [(first + third * STATEMENTS // 3) % STATEMENTS for third in range(3)]
    dead = killed([started(scheduler, statement) for statement in at])
    states, ends, begun = settled(scheduler)

    planned = [(BEGIN + number * 10 * MINUTE).isoformat() for number in range(1, 7)]
    assert [states.pop((f"RUN-020/{name}", at)) in ENDS for name in ("night", "open", "day") for at in planned] == [
        True
    ] * 18, (at, dead)
    assert (states, set(ends.values()), set(begun.values()) <= {1}) == ({}, {1}, True)


def test_of_many_that_are_all_killed_at_random(scheduler):
    many, pick = min(30, 2 * KILLS), random.Random(KILLS)
    keys = {"every": "1h", "cron": None, "zone": None, "late_ok": "1d"}
    scheduler.write(*(schedule(f"at{number}", **keys) for number in range(2 * many)))
    scheduler.looks()
    scheduler.clock.forward(3600)
    dead = 0
    for _ in range(3):
        dead += killed([started(scheduler, pick.randrange(1, 40_000)) for _ in range(many)])
        scheduler.clock.forward(91)
    states, ends, begun = settled(scheduler)

    assert (set(states.values()), len(states), set(ends.values())) == ({"ran"}, 2 * many, {1})
    assert len(scheduler.env.state.names()) == 2 * many
    assert (set(begun.values()) <= {1}, dead > 0) == (True, True)
