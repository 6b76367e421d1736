"""What is planned, what became of it, and why, as people ask for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.scheduler import BEGIN, MINUTE, Scheduler, schedule

from runner.core.errors import InvalidInputError
from runner.services.schedules import overview
from runner.services.schedules.clock_memory import forget

NIGHT = datetime(2026, 12, 6, 2, 30, tzinfo=UTC)
NAME = "RUN-020/nightly"


@pytest.fixture
def scheduler(tmp_path):
    scheduler = Scheduler(tmp_path)
    scheduler.write(schedule(), schedule("berlin", zone="Europe/Berlin", jitter="5m"))
    scheduler.looks()
    return scheduler


def test_what_came_is_told_newest_first_and_by_itself_if_it_was_bad(scheduler):
    scheduler.looks(timedelta(hours=9))
    state = scheduler.env.state

    assert [each.occurrence.schedule for each in overview.past(state, BEGIN)] == [NAME, "RUN-020/berlin"]
    assert [each.is_bad for each in overview.past(state, BEGIN, schedule=NAME)] == [True]
    assert len(overview.past(state, BEGIN, bad=True)) == 2
    assert overview.past(state, NIGHT + timedelta(hours=1)) == []


def test_one_instant_is_explained(scheduler):
    library, state = scheduler.library, scheduler.env.state
    explain = lambda instant: overview.explain(library, state, NAME, instant, scheduler.clock.wall)[1:]  # noqa: E731

    assert explain(NIGHT) == ["it has not come yet"]
    scheduler.looks(timedelta(hours=9))
    assert explain(NIGHT) == [
        "missed on 2026-12-06 09:00 UTC: nobody looked until 6h30m after its time; at most 10m late is good"
    ]
    assert explain(NIGHT - timedelta(days=1)) == ["nobody has looked at it: the schedule counts from a later time on"]
    assert explain(NIGHT + MINUTE) == ["it is no instant of this schedule; the next is at 2026-12-07 02:30 UTC"]


def test_a_scheduler_that_does_not_look_is_missed(scheduler, tmp_path):
    now = scheduler.clock.wall
    assert overview.silence(scheduler.env.state, now + timedelta(minutes=5)) == ""
    silent = overview.silence(scheduler.env.state, now + timedelta(minutes=7, seconds=10))
    assert silent == "no scheduler has looked for 7m"
    forget(scheduler.env.state, scheduler.env.actor.host)
    assert overview.silence(scheduler.env.state, now).startswith("no scheduler has ever looked")


@pytest.mark.parametrize("text", ["tomorrow", "2026-12-06T02:30"])
def test_a_time_has_a_zone(text):
    with pytest.raises(InvalidInputError):
        overview.moment(text)
    assert overview.moment("2026-12-06T03:30+01:00") == NIGHT


def test_what_became_of_what_a_look_has_decided(scheduler):
    ticked = scheduler.looks(timedelta(hours=2, minutes=30))
    scheduler.does(*ticked.to_begin)
    found = overview.ended(scheduler.env.state, [*ticked.decided, *ticked.to_begin])

    assert {(each.occurrence.schedule, str(each.occurrence.state), each.is_refused) for each in found} == {
        (NAME, "ran", False),
        ("RUN-020/berlin", "missed", False),
    }
