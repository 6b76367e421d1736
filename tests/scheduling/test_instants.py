"""The instants of a schedule, against an oracle that walks through the time minute by minute.

`RUNBOOK_TEST_DAYS` says how many days the oracle walks from each of its beginnings.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from harness.cron_oracle import Oracle

from runner.model.schedules.schedule import Schedule
from runner.scheduling.instants import change_of_clock, instants, spread

DAYS = int(os.environ.get("RUNBOOK_TEST_DAYS", "3"))


def schedule(**keys):
    return Schedule.model_validate({"id": "nightly", "inventory": "inventories/local", **keys})


def between(begin, end, **keys):
    return list(instants(schedule(**keys).times, begin, end))


def utc(*numbers):
    return datetime(*numbers, tzinfo=UTC)


CASES = [
    ("30 2 * * *", "Europe/Berlin", [utc(2027, 3, 27), utc(2027, 10, 30)]),
    ("*/30 * * * *", "Europe/Berlin", [utc(2027, 3, 27), utc(2027, 10, 30)]),
    ("30 1-3 * * 0", "America/New_York", [utc(2027, 3, 13), utc(2027, 11, 6)]),
    ("0 0 * * *", "America/Sao_Paulo", [utc(2017, 10, 14), utc(2018, 2, 17)]),
    ("0 */2 * * *", "Australia/Lord_Howe", [utc(2026, 4, 3), utc(2026, 10, 2)]),
    ("45 1,2 * * *", "Australia/Lord_Howe", [utc(2026, 4, 3), utc(2026, 10, 2)]),
    ("45 23 * * *", "Pacific/Apia", [utc(2011, 12, 29)]),
    ("0 12 30 12 *", "Pacific/Apia", [utc(2011, 12, 29)]),
    ("0 12 1,15 * 5", "Asia/Kathmandu", [utc(2026, 5, 14)]),
    ("0 2 * * *", "Antarctica/Troll", [utc(2026, 3, 28), utc(2026, 10, 24)]),
    ("15 0 * * *", "Africa/Cairo", [utc(2026, 4, 23), utc(2026, 10, 29)]),
]


@pytest.mark.parametrize(("cron", "zone", "begin"), [(cron, zone, at) for cron, zone, all_ in CASES for at in all_])
def test_they_are_those_that_a_clock_on_the_wall_shows(cron, zone, begin):
    end = begin + timedelta(days=DAYS)

    assert between(begin, end, cron=cron, zone=zone) == Oracle(cron, zone).between(begin, end)


def test_the_oracle_is_of_use():
    assert len(Oracle("30 2 * * *", "Europe/Berlin").between(utc(2027, 3, 27), utc(2027, 3, 30))) == 3


def test_where_they_are_looked_for_does_not_change_them():
    keys = {"cron": "*/20 2,3 * * *", "zone": "Europe/Berlin"}
    begin, end = utc(2027, 10, 30), utc(2027, 11, 1)
    whole = between(begin, end, **keys)
    parts, at = [], begin
    while at < end:
        parts += between(at, at + timedelta(minutes=7), **keys)
        at += timedelta(minutes=7)

    assert [each for each in parts if each <= end] == whole


def test_one_by_elapsed_time_counts_from_1970():
    found = between(utc(2027, 3, 28, 0, 0), utc(2027, 3, 28, 13, 0), every="6h")

    assert found == [utc(2027, 3, 28, 6), utc(2027, 3, 28, 12)]


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ((2027, 3, 28), "02:30 does not exist on 28 March; 03:00 instead"),
        ((2027, 10, 31), "02:30 comes twice on 31 October; it begins the first time"),
        ((2027, 6, 1), ""),
    ],
)
def test_what_a_change_of_the_clock_does_is_said(day, sentence):
    nightly = schedule(cron="30 2 * * *", zone="Europe/Berlin")
    (instant,) = instants(nightly.times, utc(*day), utc(*day) + timedelta(hours=12))

    assert change_of_clock(nightly.times, instant) == sentence
    assert change_of_clock(schedule(every="1h").times, instant) == ""


def test_the_spread_is_the_same_for_everybody_and_another_for_each():
    at, jitter = utc(2026, 12, 6, 1, 30), timedelta(minutes=10)
    found = {spread(f"RUN-{number:03}/nightly", at, jitter) for number in range(100)}

    assert spread("RUN-001/nightly", at, jitter) == spread("RUN-001/nightly", at, jitter)
    assert len(found) == 100
    assert all(timedelta() <= each < jitter for each in found)
    assert spread("RUN-001/nightly", at, None) == timedelta()
