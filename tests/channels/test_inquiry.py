"""A shift covers a time only where it begins no later and ends no sooner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from runner.channels.inquiry import OnCallShift

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTES = st.none() | st.integers(-90, 90)


def moment(minutes):
    return None if minutes is None else NOON + timedelta(minutes=minutes)


@given(start=MINUTES, end=MINUTES, length=st.integers(0, 60))
def test_a_shift_without_a_beginning_or_an_end_has_none(start, end, length):
    shift = OnCallShift("Ana", 1, moment(start), moment(end))
    expected = (start is None or start <= 0) and (end is None or end >= length)

    assert shift.covers(NOON, NOON + timedelta(minutes=length)) is expected
