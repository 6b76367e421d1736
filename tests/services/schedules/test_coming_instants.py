"""What will come of schedules is told in order, in the time of its zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.scheduler import BEGIN, Scheduler, schedule

from runner.scheduling.entries import entries
from runner.services.schedules.coming_instants import next_of_each, upcoming


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
