"""What may be given for an input: its type, its limits, and what is said about anything else."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runner.core.duration import parse, show
from runner.model.input import Input, InputFault, missing, read_all


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("string", "any thing", "any thing"),
        ("string", "", ""),
        ("int", "-5", -5),
        ("number", "0.5", 0.5),
        ("number", "5", 5.0),
        ("number", ".5e-3", 0.0005),
        ("bool", "true", True),
        ("bool", "no", False),
        ("bool", True, True),
        ("duration", "5m", "5m"),
        ("date", "2024-02-29", "2024-02-29"),
        ("host", "db-1.example.com", "db-1.example.com"),
        ("host", "2001:db8::1", "2001:db8::1"),
        ("secret", "env:DB_PASSWORD", "env:DB_PASSWORD"),
    ],
)
def test_what_is_typed_on_the_command_line_has_the_type_of_its_input(type_, text, value):
    read = Input(type=type_, help="A").read(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_", "text", "sentence"),
    [
        ("int", "1.5", "'1.5' is not a whole number"),
        ("int", "1_000", "'1_000' is not a whole number"),
        ("int", "٣", "'٣' is not a whole number"),
        ("number", "nan", "'nan' is not a number"),
        ("number", "inf", "'inf' is not a number"),
        ("number", "1e999", "'1e999' is not a number"),
        ("bool", "1", "'1' is neither true nor false"),
        ("duration", "5", "'5' is not a duration; write a number and a unit, like 30s, 5m or 1h30m"),
        ("date", "2026-02-30", "there is no day 2026-02-30 in the calendar"),
        ("date", "2025-02-29", "there is no day 2025-02-29 in the calendar"),
        ("date", "20260131", "'20260131' is not a date; write year, month and day, like 2026-01-31"),
        ("date", "2026-W05-6", "'2026-W05-6' is not a date; write year, month and day, like 2026-01-31"),
        ("date", "31.1.2026", "'31.1.2026' is not a date; write year, month and day, like 2026-01-31"),
        ("host", "a b", "'a b' is not the name of a host"),
        ("host", "a,b", "'a,b' is not the name of a host"),
        ("host", "", "'' is not the name of a host"),
        ("string", "a\0b", "holds a NUL character, which no program can be given"),
        ("string", "a\udcffb", "is not text in UTF-8"),
    ],
)
def test_what_is_of_another_type_is_refused(type_, text, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        Input(type=type_, help="A").read(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("type_", "default"),
    [
        ("string", "a"),
        ("int", 5),
        ("number", 5),
        ("number", 0.5),
        ("bool", False),
        ("duration", "5m"),
        ("date", "2026-01-31"),
    ],
)
def test_a_default_has_the_type_that_it_is_the_default_of(type_, default):
    assert Input(type=type_, help="A", default=default).default == default


@pytest.mark.parametrize(
    ("limits", "good", "bad"),
    [
        ({"type": "enum", "values": ("a", "b")}, ["a", "b"], {"c": "'c' is not one of a, b"}),
        ({"type": "int", "min": 1, "max": 3}, ["1", "3"], {"0": "0 is less than 1", "4": "4 is more than 3"}),
        ({"type": "number", "max": 0.5}, ["-9", ".5"], {"0.51": "0.51 is more than 0.5"}),
        ({"type": "duration", "min": "90s"}, ["90s", "1h", "1m30s"], {"1m": "1m is less than 90s"}),
        (
            {"type": "date", "min": "2026-01-31", "max": "2026-02-01"},
            ["2026-01-31", "2026-02-01"],
            {"2026-01-30": "2026-01-30 is less than 2026-01-31", "2026-02-02": "2026-02-02 is more than 2026-02-01"},
        ),
        (
            {"pattern": r"v\d+", "min_length": 3, "max_length": 4},
            ["v12", "v123"],
            {
                "v1": "'v1' is shorter than 3 characters",
                "v1234": "'v1234' is longer than 4 characters",
                "xv12": r"'xv12' does not match v\d+",
                "v12\n": r"'v12\n' does not match v\d+",
            },
        ),
    ],
)
def test_a_value_is_within_its_limits(limits, good, bad):
    item = Input(help="A", **limits)

    assert [str(item.read(text)) for text in good if item.type not in {"int", "number"}] == [
        text for text in good if item.type not in {"int", "number"}
    ]
    for text in good:
        item.read(text)
    for text, sentence in bad.items():
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            item.read(text)


@given(st.integers(), st.integers(), st.integers())
def test_a_whole_number_is_taken_exactly_within_its_bounds(one, other, number):
    least, most = sorted((one, other))
    item = Input(type="int", help="A", min=least, max=most)

    assert _takes(item, str(number)) is (least <= number <= most)


@given(st.dates(), st.dates(), st.dates())
def test_a_day_is_taken_exactly_within_its_bounds(one, other, day):
    least, most = sorted((one, other))
    item = Input(type="date", help="A", min=least.isoformat(), max=most.isoformat())

    assert _takes(item, day.isoformat()) is (least <= day <= most)


_TIMES = st.integers(0, 10**9).map(lambda milliseconds: show(timedelta(milliseconds=milliseconds)))


@given(_TIMES, _TIMES, _TIMES)
def test_a_duration_is_taken_exactly_within_its_bounds(one, other, time):
    least, most = sorted((one, other), key=parse)
    item = Input(type="duration", help="A", min=least, max=most)

    assert _takes(item, time) is (parse(least) <= parse(time) <= parse(most))


@given(st.text(), st.integers(0, 20), st.integers(1, 20))
def test_a_text_is_taken_exactly_within_its_lengths(text, one, other):
    least, most = min(one, other), max(one, other)
    item = Input(help="A", min_length=least, max_length=most)

    assert _takes(item, text) is (least <= len(text) <= most and "\0" not in text)


@given(st.one_of(st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True), st.text()))
@example("2026-13-01")
@example("0000-01-01")
def test_a_date_is_a_day_that_there_is(text):
    try:
        there = date.fromisoformat(text).isoformat() == text
    except ValueError:
        there = False

    assert _takes(Input(type="date", help="A"), text) is there


@given(st.text(min_size=1).filter(lambda text: not text.startswith(("env:", "file:", "vault:", "command:", "prompt"))))
def test_what_is_no_reference_is_refused_and_never_repeated(secret):
    with pytest.raises(ValueError, match="^a secret is never written down, only where it is: ") as caught:
        Input(type="secret", help="A").read(secret)
    assert caught.value.args == _of_anything


_of_anything = (
    "a secret is never written down, only where it is: "
    "env:NAME, file:PATH, ansible-vault:FILE#KEY, vault-kv:MOUNT/PATH#FIELD, aws-sm:NAME#KEY, aws-ssm:/NAME, op://VAULT/ITEM/FIELD, lastpass:ITEM#FIELD, bitwarden:ITEM#FIELD, command:PROGRAM ARGUMENTS or prompt",
)


@pytest.mark.parametrize(
    ("limits", "secret", "sentence"),
    [
        ({}, "abc", "has less than 4 characters, which cannot be kept out of what is shown"),
        ({}, "   a   ", "has less than 4 characters, which cannot be kept out of what is shown"),
        ({}, "abcd\udcff", "is not text in UTF-8"),
        ({"min_length": 12}, "hunter2!", "is shorter than 12 characters"),
        ({"max_length": 6}, "hunter2!", "is longer than 6 characters"),
        ({"pattern": "[a-z]+"}, "hunter2!", "does not match [a-z]+"),
    ],
)
def test_a_secret_is_within_its_limits_and_not_quoted_when_it_is_not(limits, secret, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Input(type="secret", help="A", **limits).check_secret(secret)


def test_a_secret_that_is_fine_is_as_it_is():
    assert Input(type="secret", help="A", min_length=4).check_secret(" it's {{ fine }}\n") == " it's {{ fine }}\n"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({}, "text"),
        (
            {"pattern": "a+", "min_length": 2, "max_length": 9},
            "text, of at least 2 characters, of at most 9 characters, that matches a+",
        ),
        ({"type": "int", "min": 0}, "a whole number, at least 0"),
        ({"type": "enum", "values": ("a", "b")}, "one of a, b"),
        ({"type": "duration", "min": "1m", "max": "1h"}, "a duration, like 5m, at least 1m, at most 1h"),
        ({"type": "host"}, "the name of a host of the inventory"),
    ],
)
def test_what_it_takes_is_told_in_words(item, words):
    assert Input(help="A", **item).takes == words


DECLARED = {
    "count": Input(type="int", help="How many", max=9),
    "word": Input(help="A word", default="hello"),
    "key": Input(type="secret", help="The key"),
}


def test_all_that_is_wrong_is_told_at_once():
    values, wrong = read_all(DECLARED, {"count": "ten", "wrod": "x", "key": "hunter2"})

    assert values == {"word": "hello"}
    assert list(map(str, wrong)) == [
        "count: 'ten' is not a whole number; write a whole number, at most 9 (How many)",
        "wrod: there is no such input; did you mean 'word'?",
        f"key: {_of_anything[0]}",
    ]


def test_what_is_missing_is_told_with_what_it_takes():
    assert missing(DECLARED, {"word": "x"}) == [
        InputFault("count", "has no value", "write a whole number, at most 9 (How many)"),
        InputFault("key", "has no value", "write a secret (The key)"),
    ]


def _takes(item, text):
    try:
        item.read(text)
    except ValueError:
        return False
    return True
