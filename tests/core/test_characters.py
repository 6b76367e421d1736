"""What no program can be given is found wherever it stands."""

from __future__ import annotations

import pytest

from runner.core.characters import shown, unfit

NUL = "holds a NUL character, which no program can be given"
BYTES = "is not text in UTF-8"
NUMBER = "holds Infinity or NaN, which no program can be given as a number"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", ""),
        ("déjà vu \U0001f525\n\x1b", ""),
        ("a\0b", NUL),
        ("\udcff", BYTES),
        (["fine", {"key": "a\0b"}], NUL),
        ({"a\0b": 1}, NUL),
        (("fine", ["\udc80"]), BYTES),
        (float("inf"), NUMBER),
        ([{"key": float("nan")}], NUMBER),
        ({"number": 7, "share": 0.5, "nothing": None, "list": [True]}, ""),
    ],
)
def test_why_a_value_cannot_be_handed_to_a_program(value, why):
    assert unfit(value) == why


def test_what_hides_or_turns_a_text_is_shown_wherever_it_stands_and_lines_and_tabs_stay():
    assert shown({"a\u202eb": ["one\n\ttwo\x1b[2J", ("\u2066", 3, None)]}) == {
        "a\\u202eb": ["one\n\ttwo\\x1b[2J", ["\\u2066", 3, None]]
    }
