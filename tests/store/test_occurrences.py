"""What was decided is in the audit log: the index of it may be lost, and one that holds it decides alone."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from harness import PATIENCE
from harness.scheduler import BEGIN, Scheduler, schedule

from runner.core.errors import AuditError
from runner.core.events import EventType
from runner.store.occurrences import Occurrence, Occurrences

NAME = "RUN-020/nightly"


@pytest.fixture
def scheduler(tmp_path):
    scheduler = Scheduler(tmp_path)
    scheduler.write(schedule(every="1h", cron=None, zone=None))
    scheduler.looks()
    for _ in range(3):
        scheduler.does(*scheduler.looks(timedelta(hours=1)).to_begin)
    return scheduler


def opened(scheduler):
    return Occurrences(scheduler.env.state.path, scheduler.env.state.log_path)


def known(scheduler):
    occurrences = opened(scheduler)
    with occurrences.held():
        return occurrences.since(BEGIN), occurrences.horizon(NAME), occurrences.last_decided()


def test_the_log_tells_all_that_the_index_knew(scheduler):
    before = known(scheduler)
    (scheduler.env.state.path / "occurrences.sqlite").write_bytes(b"no database")

    assert known(scheduler) == before
    assert [(each.planned, each.state) for each in before[0]] == [
        (BEGIN + timedelta(hours=number), "ran") for number in (1, 2, 3)
    ]
    assert before[1:] == (BEGIN + timedelta(hours=3), BEGIN + timedelta(hours=3))


def test_what_is_asked_about_one_of_them(scheduler):
    occurrences = opened(scheduler)
    with occurrences.held():
        first = occurrences.of(NAME, BEGIN + timedelta(hours=1))
        assert isinstance(first, Occurrence)
        assert (first.run, occurrences.of(NAME, BEGIN), occurrences.claimed()) == (first.run, None, [])
        assert occurrences.latest_begun(NAME).planned == BEGIN + timedelta(hours=3)
        assert (occurrences.horizon("RUN-099/x"), occurrences.fact(EventType.SCHEDULE_PAUSED, NAME)) == (None, "")


def test_another_log_has_another_index(scheduler):
    log = scheduler.env.state.log_path
    assert len(known(scheduler)[0]) == 3
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])

    assert known(scheduler)[0] == []


def test_who_holds_it_decides_alone(scheduler):
    occurrences = opened(scheduler)
    began, found = threading.Event(), []

    def look():
        began.set()
        found.extend(scheduler.looks(timedelta(hours=1)).to_begin)

    other = threading.Thread(target=look)
    with occurrences.held():
        other.start()
        assert began.wait(PATIENCE)
        other.join(0.3)
        assert found == []
    other.join(PATIENCE)
    assert [each.planned for each in found] == [BEGIN + timedelta(hours=4)]


def test_one_that_cannot_be_used_is_said(scheduler, tmp_path):
    occurrences = Occurrences(tmp_path, scheduler.env.state.log_path)
    occurrences.close()
    with pytest.raises(AuditError, match="the index of occurrences cannot be used"), occurrences.held():
        pass
