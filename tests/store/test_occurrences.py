"""What was decided is in the audit log: the index of it may be lost, and one that holds it decides alone."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from harness import PATIENCE
from harness.scheduler import BEGIN, Scheduler, schedule

from runner.core.errors import AuditError, LockedError
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
        return occurrences.since(BEGIN), occurrences.horizons()[NAME], occurrences.last_decided()


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
        assert [each.planned for each in occurrences.begun(NAME, 1)] == [BEGIN + timedelta(hours=3)]
        assert (list(occurrences.horizons()), occurrences.facts(EventType.SCHEDULE_PAUSED)) == ([NAME], {})


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


def test_a_database_that_is_made_anew_lets_nobody_else_decide(scheduler):
    with opened(scheduler).held():
        (scheduler.env.state.path / "occurrences.sqlite").unlink()
        with pytest.raises(LockedError, match="has been deciding"), opened(scheduler).held(patience=0.1):
            pass


def test_what_is_not_recorded_is_not_known(scheduler):
    with pytest.raises(ZeroDivisionError), opened(scheduler).held() as _:
        1 / 0  # noqa: B018
    before, occurrences = known(scheduler), opened(scheduler)
    with suppress(KeyError), occurrences.held():
        data = {"schedule": NAME, "planned": (BEGIN + timedelta(hours=9)).isoformat(), "state": "missed"}
        occurrences.apply(EventType.SCHEDULE_DECIDED, data, BEGIN)
        raise KeyError

    assert known(scheduler) == before


def test_who_is_to_hear_of_it_is_known_until_they_were_told(scheduler):
    occurrences, planned = opened(scheduler), (BEGIN + timedelta(hours=9)).isoformat()
    data = {"schedule": NAME, "planned": planned, "state": "missed"}
    with occurrences.held():
        occurrences.apply(EventType.SCHEDULE_DECIDED, {**data, "tell": ["on-call"]}, BEGIN)
        before = [(each.state, each.tell) for each in occurrences.untold()]
        occurrences.apply(EventType.SCHEDULE_TOLD, data, BEGIN)

        assert (before, occurrences.untold()) == ([("missed", ("on-call",))], [])


def test_a_log_that_cannot_be_read_is_said(scheduler):
    log = scheduler.env.state.log_path
    log.write_bytes(log.read_bytes() + b'{"type":"runbook.schedule.seen"}\n')
    with pytest.raises(AuditError, match="is broken"), opened(scheduler).held():
        pass
