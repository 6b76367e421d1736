"""What people say about schedules counts from then on, and is recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.scheduler import MINUTE, Scheduler, schedule

from runner.core.errors import InvalidInputError, LockedError
from runner.core.events import EventType
from runner.services.schedules import changes
from runner.store.log.log_reader import read

NIGHT = datetime(2026, 12, 6, 2, 30, tzinfo=UTC)
NAME = "RUN-020/nightly"


@pytest.fixture
def scheduler(tmp_path):
    scheduler = Scheduler(tmp_path)
    scheduler.write(schedule())
    scheduler.looks()
    return scheduler


def with_(scheduler):
    return scheduler.env, scheduler.library


def test_a_pause_counts_until_it_is_ended(scheduler):
    changes.pause(*with_(scheduler), NAME, "the disks are replaced")
    (skipped,) = scheduler.looks(timedelta(hours=2, minutes=30)).decided
    changes.go_on(*with_(scheduler), NAME)
    tomorrow = scheduler.looks(timedelta(days=1))

    who = scheduler.env.actor.person
    assert (skipped.state, skipped.why) == ("skipped", f"paused by {who}: the disks are replaced")
    assert [each.planned for each in tomorrow.to_begin] == [NIGHT + timedelta(days=1)]
    with pytest.raises(InvalidInputError, match="nobody has paused"):
        changes.go_on(*with_(scheduler), NAME)
    with pytest.raises(InvalidInputError, match="a pause has a reason"):
        changes.pause(*with_(scheduler), NAME, " ")


def test_an_approval_counts_until_something_changes(scheduler):
    path = scheduler.directory / "inventories" / "local" / "hosts.yml"
    path.write_text(path.read_text().replace("environment: local", "environment: production"))
    changes.approve(*with_(scheduler), NAME)
    tonight = scheduler.looks(timedelta(hours=2, minutes=30))
    scheduler.does(*tonight.to_begin)
    scheduler.write(schedule(late_ok="11m"))
    (refused,) = scheduler.looks(timedelta(days=1)).decided

    assert len(tonight.to_begin) == 1
    assert (refused.state, "has changed since it was approved" in refused.why) == ("refused", True)


def test_one_that_cannot_be_begun_cannot_be_approved(scheduler):
    scheduler.write(schedule(), severity="P9")
    with pytest.raises(InvalidInputError, match="cannot be approved"):
        changes.approve(*with_(scheduler), NAME)


def test_what_was_missed_is_caught_up_on_its_own_instant_and_once(scheduler):
    scheduler.looks(timedelta(hours=9))
    changes.catch_up(*with_(scheduler), NAME, NIGHT)

    who = scheduler.env.actor.person
    assert scheduler.state_of(NAME, NIGHT) == ("claimed", f"caught up by {who}")
    with pytest.raises(LockedError, match="is about to begin"):
        changes.catch_up(*with_(scheduler), NAME, NIGHT)
    with pytest.raises(InvalidInputError, match="is no instant of"):
        changes.catch_up(*with_(scheduler), NAME, NIGHT + MINUTE)
    with pytest.raises(InvalidInputError, match="has not come yet"):
        changes.catch_up(*with_(scheduler), NAME, NIGHT + timedelta(days=1))


def test_a_clock_that_is_trusted_decides_again(scheduler):
    scheduler.does(*scheduler.looks(timedelta(hours=2, minutes=30)).to_begin)
    scheduler.clock.wall -= timedelta(days=1)
    held = scheduler.looks(MINUTE)
    changes.trust_clock(scheduler.env)

    assert (held.held, scheduler.looks(MINUTE).held) == ("the clock was put back by 1d", "")
    kinds = [record.type for record in read(scheduler.env.state.log_path)]
    assert kinds[-1] == EventType.SCHEDULE_CLOCK
