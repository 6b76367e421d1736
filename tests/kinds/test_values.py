"""Values that kinds are written with: an exit code, an expression, a condition; what is none is said to be none, and why."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from runner.kinds.values import Condition, ExitCode, Expression


def read(kind, value):
    """The value, or what is wrong with it."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        (wrong,) = error.errors()
        return wrong["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize("code", [0, 1, 255])
def test_an_exit_code(code):
    assert read(ExitCode, code) == code


@pytest.mark.parametrize("code", [-1, 256, 1000])
def test_what_no_program_can_end_with(code):
    assert read(ExitCode, code) == f"an exit code is a number from 0 to 255, not {code}"


@pytest.mark.parametrize("text", ["1", "rc", "rc == 0", "rows | length > 0", "[a, b]", "a if b else c", "x['}}']"])
def test_an_expression(text):
    assert read(Expression, text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ rc }}", "is an expression already; write it without {{ }}"),
        ("{% if x %}", "is an expression already; write it without {{ }}"),
        ("a, b", "is several expressions; write each as an item of its own"),
        ("rc ==", "is not a Jinja expression: it ends too early"),
        ("rc = 0", "is not a Jinja expression: expected its end, got '='; to compare, write =="),
        ("a }} {{ b", "is an expression already; write it without {{ }}"),
        ("a }} b", "is not one Jinja expression"),
        ("(" * 5000, "is not a Jinja expression: it is nested too deeply"),
    ],
)
def test_what_is_no_expression(text, why):
    assert read(Expression, text) == why


@pytest.mark.parametrize("text", ["rc == 0", "not found", "rows | length > 0", "result.stdout is search('x')"])
def test_a_condition_looks_at_something(text):
    assert read(Condition, text) == text


@pytest.mark.parametrize("text", ["true", "1 == 1", "'a' in ['a']"])
def test_a_condition_that_looks_at_nothing_is_always_the_same(text):
    assert read(Condition, text) == "looks at nothing, so it is always the same"
