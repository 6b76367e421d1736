"""What is picked in advance: how it is written, and which of the values on a host it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cli.prompts.choice import NONE, Picked, pick, read_picked, values_of
from runner.core.errors import InvalidInputError
from runner.model.step import Choice

VALUES = st.lists(st.integers(0, 99) | st.text("abc", min_size=1, max_size=3), unique_by=str, max_size=6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("end.pids=42", Picked("end", "pids", None, ("42",))),
        ("end-it.pids=42,43", Picked("end-it", "pids", None, ("42", "43"))),
        ("end.pids@db1.example:22=a=b,c", Picked("end", "pids", "db1.example:22", ("a=b", "c"))),
        ("end.pids@db1=none", Picked("end", "pids", "db1", (NONE,))),
    ],
)
def test_a_pick_is_read(text, expected):
    assert read_picked([text, text]) == [expected, expected]


@pytest.mark.parametrize("text", ["", "end=42", "end.pids", "end.pids=", "end.pids@=42", "End.pids=42", "end.p-ids=42"])
def test_what_is_no_pick(text):
    with pytest.raises(InvalidInputError) as wrong:
        read_picked([text])
    assert wrong.value.message == f"--choose {text}: write it as STEP.NAME=VALUE,VALUE or STEP.NAME@HOST=VALUE"


@pytest.mark.parametrize(
    ("field", "captured", "expected"),
    [
        (None, {"stuck": [1, 2]}, [1, 2]),
        (None, {"stuck": "one"}, ["one"]),
        (None, {}, []),
        ("pid", {"stuck": [{"pid": 1, "user": "app"}, {"user": "app"}, 7]}, [1, None, 7]),
    ],
)
def test_there_is_a_value_for_each_row(field, captured, expected):
    assert values_of(Choice.model_validate({"from": "stuck", "field": field}), captured) == expected


@given(data=st.data(), values=VALUES)
def test_exactly_what_is_wanted_is_picked_as_it_was_captured_and_in_that_order(data, values):
    wanted = data.draw(st.lists(st.sampled_from(values), unique_by=str) if values else st.just([]))

    assert pick(values, [str(value) for value in wanted], host="db1") == [each for each in values if each in wanted]


@given(values=VALUES)
def test_nothing_may_be_picked(values):
    assert pick(values, [NONE], host="db1") == []


def test_a_row_is_named_by_the_first_of_its_values():
    rows = [{"pid": 7, "app": "a"}, {"pid": 8, "app": "a"}, {"pid": 7, "app": "b"}]

    assert pick(rows, ["7"], host="db1") == [rows[0], rows[2]]
    with pytest.raises(InvalidInputError) as caught:
        pick(rows, ["a"], host="db1")
    assert caught.value.hint == "there are 7, 8"


@pytest.mark.parametrize(("values", "hint"), [([1], "there is 1"), ([1, "b"], "there are 1, b")])
def test_what_is_not_there_cannot_be_picked(values, hint):
    with pytest.raises(InvalidInputError) as wrong:
        pick(values, ["1", "x"], host="db1")
    assert (wrong.value.message, wrong.value.hint) == ("--choose: x cannot be chosen on db1", hint)


def test_where_there_is_nothing_nothing_is_picked_whatever_was_wanted():
    assert pick([], ["x"], host="db1") == []
