"""Durations are written as people write them, and read back as they were meant."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runner.core.duration import comes_true, parse, seconds, show
from runner.core.fields import Duration, Limit


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("1.5s", timedelta(seconds=1.5)),
        ("1h30m", timedelta(hours=1, minutes=30)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_is_numbers_with_units(text, duration):
    assert parse(text) == duration


@pytest.mark.parametrize("text", ["", "5", "5 m", "m", "-5m", "5M", "1.s", ".5s", "5min", "٣s", "5m\n", "1h-5m"])
def test_what_has_no_unit_or_another_one_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration; write a number and a unit, like 30s, 5m or 1h30m"):
        parse(text)


def test_longer_than_any_clock_is_refused():
    with pytest.raises(ValueError, match="is longer than any clock can measure"):
        parse("9" * 400 + "d")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("90m", "1h30m"),
        ("60s", "1m"),
        ("61.3s", "1m1.3s"),
        ("1500ms", "1.5s"),
        ("250ms", "250ms"),
        ("0s", "0s"),
        ("1w", "7d"),
    ],
)
def test_a_duration_is_shown_as_people_write_it(text, shown):
    assert show(parse(text)) == shown


@given(st.integers(0, 10**12))
def test_what_is_shown_reads_back_to_the_millisecond(milliseconds):
    duration = timedelta(milliseconds=milliseconds)
    assert parse(show(duration)) == duration
    assert parse(seconds(duration)) == duration


@pytest.mark.parametrize(("text", "said"), [("30s", "30s"), ("500ms", "0.5s"), ("20m", "1200s"), ("30d", "2592000s")])
def test_coreutils_read_seconds(text, said):
    assert seconds(parse(text)) == said


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (30, "30 has no unit; write it like 30s, 5m or 1h30m"),
        (None, "None has no unit; write it like 30s, 5m or 1h30m"),
        ("soon", "'soon' is not a duration; write a number and a unit, like 30s, 5m or 1h30m"),
        ("0s", "must be longer than 0s"),
        ("0.1ms", "must be longer than 0s"),
    ],
)
def test_a_limit_that_limits_nothing_is_refused(value, sentence):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Limit).validate_python(value)
    assert caught.value.errors()[0]["msg"] == f"Value error, {sentence}"


def test_a_duration_is_written_and_described_as_text():
    adapter = TypeAdapter(Duration)
    assert adapter.dump_json(adapter.validate_python("90m")) == b'"1h30m"'
    assert adapter.json_schema()["type"] == "string"


def test_it_is_looked_at_until_it_holds():
    answers = iter([False, "", 0, "yes"])

    assert comes_true(lambda: next(answers), within=math.inf, every=0)
    assert [*answers] == []


def test_it_is_looked_at_once_where_there_is_no_time():
    looks = []

    assert not comes_true(lambda: looks.append("a look"), within=0)
    assert looks == ["a look"]
