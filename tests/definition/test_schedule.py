"""A cron expression is refused when it is none, or when its days never come."""

from __future__ import annotations

import pytest

from runner.definition.schedule import problem


@pytest.mark.parametrize(
    "cron",
    ["* * * * *", "0 4 29 2 *", "0 4 30 2 mon", "*/5 0-6 1,15 jan-mar sun", "59 23 31 12 7", "0 0 31 1-2 *", "@daily"],
)
def test_what_comes_has_no_problem(cron):
    assert problem(cron) == ""


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 4 30 2 *", "never comes: no Feb has a day 30"),
        ("0 4 31 4,6 *", "never comes: no Apr or Jun has a day 31"),
        ("0 4 * *", "has 4 fields; a cron expression has minute, hour, day, month and weekday"),
        ("60 4 * * *", "the minute '60' is not from 0 to 59"),
        ("0 4 * * fri-mon", "the weekday 'fri-mon' ends before it begins"),
        ("0 4 * * */0", "the weekday '*/0' is not a number, a range or a step"),
        ("0 4 ? * *", "the day '?' is not a number, a range or a step"),
        ("@nightly", "has 1 fields; a cron expression has minute, hour, day, month and weekday"),
    ],
)
def test_what_never_comes_says_why(cron, said):
    assert problem(cron) == said
