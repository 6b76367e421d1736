"""A contact is called within its hours, in the time of its zone, whatever the clocks do there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runner.model.call_hours import CallHours, within

HOURS = TypeAdapter(CallHours)
FRIDAY = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "at", "called"),
    [
        ("mon-fri 08:00-18:00 UTC", "07:59", False),
        ("mon-fri 08:00-18:00 UTC", "08:00", True),
        ("mon-fri 08:00-18:00 UTC", "17:59", True),
        ("mon-fri 08:00-18:00 UTC", "18:00", False),
        ("mon-fri 08:00-18:00 Europe/Berlin", "07:00", True),
        ("sat 08:00-18:00 UTC", "12:00", False),
        ("sat-mon 08:00-18:00 UTC", "12:00", False),
        ("fri-mon 08:00-18:00 UTC", "12:00", True),
        ("22:00-06:00 UTC", "23:00", True),
        ("22:00-06:00 UTC", "05:59", True),
        ("22:00-06:00 UTC", "06:00", False),
        ("thu 22:00-06:00 UTC", "05:00", True),
        ("fri 22:00-06:00 UTC", "05:00", False),
        ("00:00-00:00 UTC", "12:00", True),
    ],
)
def test_who_is_called_at_what_time_of_a_friday(hours, at, called):
    hour, minute = map(int, at.split(":"))

    assert within(HOURS.validate_python(hours), FRIDAY + timedelta(hours=hour, minutes=minute)) == called


@given(st.integers(0, 2 * 366 * 24 * 60), st.sampled_from(["Europe/Berlin", "UTC", "Asia/Kolkata"]))
def test_day_and_night_are_all_of_the_time_and_never_both(minutes, zone):
    now = FRIDAY + timedelta(minutes=minutes)

    assert within(f"08:00-20:00 {zone}", now) != within(f"20:00-08:00 {zone}", now)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("office hours", "must be like mon-fri 08:00-18:00 Europe/Berlin, or 22:00-06:00 UTC, not 'office hours'"),
        ("mon-fri 08:00-18:00", "must be like"),
        ("mon-fri 08:00-24:00 UTC", "must be like"),
        ("08:00-18:00 Europe/Atlantis", "'Europe/Atlantis' is no time zone that this machine knows"),
        ("08:00-18:00 ../../etc/passwd", "must be like"),
    ],
)
def test_what_are_no_hours_is_said(text, message):
    with pytest.raises(ValidationError, match=message):
        HOURS.validate_python(text)
