"""A list of names in a sentence is whole as long as it is short, and counted where it is not."""

from __future__ import annotations

import pytest

from runner.core.wording import counted, first_line, grouped, in_one_line, listed


@pytest.mark.parametrize(
    ("names", "most", "line"),
    [
        ([], 5, ""),
        (["a"], 5, "a"),
        (list("abcde"), 5, "a, b, c, d, e"),
        (list("abcdefg"), 5, "a, b, c, d, e and 2 more"),
    ],
)
def test_many_names_are_counted(names, most, line):
    assert listed(names, most) == line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "nothing"),
        ([1, 2], "1, 2"),
        (list(range(6)), "0, 1, 2, 3, 4, 5"),
        (list(range(7)), "7 items: 0, 1, 2 ... 6"),
        ([[1, 2], [3], []], "[1, 2], [3], [nothing]"),
        ({"a": [1], "b": "x"}, "(a=1 b=x)"),
        ("x", "x"),
        (True, "true"),
        (None, "null"),
    ],
)
def test_values_in_one_line(value, text):
    assert in_one_line(value) == text


def test_many_things_are_counted_by_their_name_and_shown_as_wanted():
    assert in_one_line(list("abcdefgh"), things="hosts", show=str.upper) == "8 hosts: A, B, C ... H"


UNREAD = "Ansible stopped before it began (exit code 1):\n[WARNING]: no group\n[ERROR]: Failed to parse inv/far: line 2"
IN_ONE_SENTENCE = "Ansible stopped before it began (exit code 1): Failed to parse inv/far: line 2"


@pytest.mark.parametrize(
    ("message", "sentence"),
    [("it died", "it died"), (UNREAD, IN_ONE_SENTENCE), ("Nothing follows:", "Nothing follows:")],
)
def test_an_error_is_one_sentence_with_what_it_announces(message, sentence):
    assert first_line(message) == sentence


def test_things_are_counted():
    assert [counted(number, "run") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def test_values_are_grouped_in_the_order_in_which_a_key_comes_first():
    assert grouped((name[0], name) for name in ["b1", "a1", "b2"]) == {"b": ["b1", "b2"], "a": ["a1"]}
