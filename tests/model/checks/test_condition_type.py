"""A part of a condition that is neither true nor false is named with its type; nothing else is."""

from __future__ import annotations

import pytest

from runner.model.checks.condition_type import OF_RESULTS, is_condition, neither, no_conditions, type_of

TYPES = {**OF_RESULTS, "ready": bool, "name": str}


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("stdout", [("stdout", str)]),
        ("rc", [("rc", int)]),
        ("rows", [("rows", list)]),
        ("rc == 0 and stdout", [("stdout", str)]),
        ("rc == 0 or (name and rows)", [("name", str), ("rows", list)]),
        ("stdout | trim", [("stdout | trim", str)]),
        ("rows | length", [("rows | length", int)]),
        ("rc == 0 and stdout | int", [("(rc == 0 and stdout | int)", int)]),
        ("json.a | default('x') | string", [("json.a | default('x') | string", str)]),
        ("stdout | default('')", [("stdout | default('')", str)]),
        ("name ~ 'x'", [("name ~ 'x'", str)]),
        ("'a' if rc == 0 else 'b'", [("'a' if rc == 0 else 'b'", str)]),
        # only a run can tell, or it is one
        ("ready", []),
        ("json.ready", []),
        ("row.may", []),
        ("json.a | default(false)", []),
        ("not stdout", []),
        ("stdout == ''", []),
        ("'x' in stdout", []),
        ("stdout is search('x') or rc == 3", []),
        ("stdout | bool", []),
        ("stdout.startswith('x')", []),
        ("elsewhere", []),
        ("ready if rc == 0 else json.a", []),
        ("1 <", []),
    ],
)
def test_each_part_that_is_compared_with_nothing_and_is_no_truth(condition, parts):
    assert list(no_conditions(condition, TYPES)) == parts


def test_what_is_true_or_false_in_any_case():
    conditions = ["rc == 0", "not a", "a is defined and b > 1", "(a in b)", "a", "a and b > 1", "a | bool", "a ~ b"]

    assert [is_condition(each) for each in conditions] == [True, True, True, True, False, False, True, False]


def test_the_type_of_what_is_captured():
    found = [
        type_of(text, OF_RESULTS) for text in ("stdout", "rows | length", "json.a", "rc == 0", "[rc, 1]", "rc - 1")
    ]

    assert found == [str, int, None, bool, list, int]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (str, ("a is a text, neither true nor false", 'say what is good, like a == "ready"')),
        (float, ("a is a number, neither true nor false", "say what is good, like a == 0")),
        (dict, ("a is a collection, neither true nor false", "say what is good, like a | length > 0")),
        (type(None), ("a is null, neither true nor false", "say what is good, like a is not none")),
    ],
)
def test_what_is_wrong_and_what_to_write(found, sentence):
    assert neither("a", found) == sentence
