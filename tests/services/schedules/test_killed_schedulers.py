"""Schedulers that are killed at any statement begin nothing twice, and leave no planned instant without an end.

A look executes some ten thousand statements, and the disk is another one after fifty of them: to be killed at any two
between which it has not changed is the same. `RUNBOOK_TEST_KILLS` says at how many of the statements around each change,
evenly spread, one is killed and then three that look at the same time; with 200, at each. Up to thirty that look after a lot of
schedules are killed at random.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from contextlib import suppress
from itertools import count

import pytest
from harness.scheduler import BEGIN, MINUTE, Scheduler, schedule

from runner.core.errors import RunbookError
from runner.scheduling.decision import Fate
from runner.scheduling.entries import entry
from runner.services.schedules.deciding import record_fate
from runner.services.schedules.planned_runs import check_claimed
from runner.store.run_state import RunState

KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "3"))
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
        record_fate(env, found, claim.planned, Fate.RAN, "")


def looks_and_begins(scheduler):
    for claim in scheduler.looks().to_begin:
        begins(scheduler, claim)


def forked(scheduler, comes_to, ends=lambda: None):
    """A process that looks and begins; `comes_to` hears of each statement there by its number, `ends` of the end."""
    child = os.fork()
    if child == 0:  # pragma: no cover - it is killed
        numbers = count(1)

        def trace(frame, event, _):
            if "/runner/" not in frame.f_code.co_filename:
                return None
            if event == "line":
                comes_to(next(numbers))
            return trace

        sys.settrace(trace)
        try:
            looks_and_begins(scheduler)
        finally:
            sys.settrace(None)
            ends()
            os._exit(0)
    return child


def started(scheduler, statement):
    """A process that looks, begins, and is killed when it comes to that statement."""
    return forked(scheduler, lambda number: number == statement and os.kill(os.getpid(), signal.SIGKILL))


def disk(directory):
    """What is there, as far as it is seen without reading it."""
    found = [(path, path.lstat()) for path in sorted(directory.rglob("*"))]
    return [(path, seen.st_ino, seen.st_size, seen.st_mtime_ns) for path, seen in found]


@pytest.fixture(scope="module")
def changes(tmp_path_factory):
    """The statements of a look just before and after the disk has become another one."""
    scheduler, found = at_work(Scheduler(tmp_path_factory.mktemp("changes"))), []
    file, before = scheduler.directory.with_name("found"), [disk(scheduler.directory)]

    def compare(number):
        if (now := disk(scheduler.directory)) != before[0]:
            found.append(number)
            before[0] = now

    os.waitpid(forked(scheduler, compare, lambda: file.write_text(json.dumps(found))), 0)
    changed = json.loads(file.read_text())
    assert len(changed) > 30
    return sorted({number + step for number in changed for step in (-1, 0)})


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


def at_work(scheduler):
    """`scheduler`, three schedules of which have come six times since it looked."""
    keys = {"every": "10m", "cron": None, "zone": None, "late_ok": "15m"}
    scheduler.write(schedule("night", **keys), schedule("open", **keys, window="00:00-00:30"), schedule("day", **keys))
    scheduler.looks()
    scheduler.clock.forward(3600)
    return scheduler


@pytest.mark.parametrize("seed", range(KILLS))
def test_of_one_that_is_killed_and_three_after_it_that_look_at_the_same_time(scheduler, changes, seed):
    at_work(scheduler)
    at = changes[seed * len(changes) // KILLS]
    alone = killed([started(scheduler, at)])
    dead = killed([started(scheduler, at) for _ in range(3)])
    states, ends, begun = settled(scheduler)

    planned = [(BEGIN + number * 10 * MINUTE).isoformat() for number in range(1, 7)]
    assert [states.pop((f"RUN-020/{name}", at)) in ENDS for name in ("night", "open", "day") for at in planned] == [
        True
    ] * 18, (at, dead)
    assert alone == 1
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
