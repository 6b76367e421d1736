"""What will come of schedules is told in order, in the time of its zone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from harness.scheduler import BEGIN, Scheduler, schedule

from runner.scheduling.entries import entries
from runner.services.schedules.coming_instants import next_of_each, planned_work, upcoming


@pytest.fixture
def scheduler(tmp_path):
    return Scheduler(tmp_path)


def test_what_comes_is_told_in_order_in_the_time_of_its_zone(scheduler):
    scheduler.write(schedule(), schedule("berlin", zone="Europe/Berlin", jitter="5m"))
    found = list(upcoming(scheduler.library, scheduler.env.state, BEGIN, BEGIN + timedelta(days=1)))

    assert [(each.entry.name, f"{each.local:%H:%M %Z}") for each in found] == [
        ("RUN-020/berlin", "02:30 CET"),
        ("RUN-020/nightly", "02:30 UTC"),
    ]
    assert found[0].note.endswith(" later")
    spring = datetime(2027, 3, 28, tzinfo=UTC)
    (first, *_) = upcoming(
        scheduler.library, scheduler.env.state, spring, spring + timedelta(days=1), only="RUN-020/berlin"
    )
    assert first.note.startswith("02:30 does not exist on 28 March; 03:00 instead")


def test_what_comes_every_eighth_year_is_not_called_never(scheduler):
    scheduler.write(schedule(cron="30 2 29 2 *"))
    found = entries(scheduler.library)

    following = next_of_each(found, datetime(2096, 3, 1, tzinfo=UTC))

    assert {name: f"{each.local:%Y-%m-%d}" for name, each in following.items()} == {"RUN-020/nightly": "2104-02-29"}


def test_what_became_of_it_and_what_will_come_stand_in_the_time_of_its_zone(scheduler):
    scheduler.write(schedule(zone="Europe/Berlin"))
    scheduler.looks()
    scheduler.looks(timedelta(hours=9))
    work = planned_work(scheduler.library, scheduler.env.state, scheduler.clock.wall)

    assert Counter(each.state for each in work.items) == {"missed": 1, "planned": 56}
    assert {f"{each.local:%H:%M %Z}" for each in work.items} == {"02:30 CET"}
    (shown,) = work.schedules
    assert (shown.name, shown.when, shown.fault) == ("RUN-020/nightly", "30 2 * * * Europe/Berlin", "")
    assert (f"{shown.following:%d %H:%M}", work.silence) == ("07 02:30", "")


def test_of_one_that_comes_very_often_whole_days_are_shown_or_none(scheduler):
    scheduler.write(schedule("often", cron="* * * * *"), schedule("hourly", cron="0 * * * *"))
    work = planned_work(scheduler.library, scheduler.env.state, BEGIN)

    shown = Counter((each.schedule, each.local.date()) for each in work.items)
    assert {name for name, _ in shown} == {"RUN-020/hourly"}
    assert set(shown.values()) == {23, 24}
    assert "no scheduler has ever looked" in work.silence


def test_where_nothing_is_planned_there_is_nothing_to_show(scheduler):
    scheduler.write()

    assert planned_work(scheduler.library, scheduler.env.state, datetime(2026, 12, 6, tzinfo=UTC)) is None
