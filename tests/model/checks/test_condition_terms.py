"""A condition is known by the parts that only a run can tell; each is tried with values that its comparisons tell apart."""

from __future__ import annotations

import pytest
from jinja2 import nodes

from runner.model.checks.condition import parse
from runner.model.checks.condition_terms import (
    UNKNOWN,
    constant_of,
    filter_name,
    holds_with,
    is_count,
    terms_of,
    tried,
)


def the_only(condition):
    (term,) = terms_of(parse(condition)).values()
    return term


def test_its_terms_are_what_only_a_run_can_tell_with_all_that_they_are_compared_with():
    terms = terms_of(parse("row.a > 1 and (2 == row.a or not row.b) and 1 < 2"))

    assert [term.constants for term in terms.values()] == [[1, 2], []]


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("row.well", [True, False]),
        ("rows | length == 3", [2, 3, 4, 1_000_000]),
        ("row.level < 3", [2, 3, 4, -1_000_000, 1_000_000]),
        ("rc == 0", [0, 1, 0, 1, 255]),
        ("word == 'a'", ["a", "", "ok", "error: it does not work"]),
    ],
)
def test_a_term_is_tried_with_what_it_may_be(condition, values):
    assert the_only(condition).values() == values


def test_each_combination_is_tried_but_those_of_a_term_that_is_fixed_and_none_where_there_are_too_many():
    terms = terms_of(parse("row.a or row.b"))
    first, second = terms
    many = terms_of(parse(" or ".join(f"row.x{number}" for number in range(13))))

    assert [*tried(terms, **{first: True})] == [{first: True, second: True}, {first: True, second: False}]
    assert [*tried(many)] == []


@pytest.mark.parametrize(("value", "holds"), [(4, True), (5, False), ("text", False)])
def test_it_holds_with_values_or_does_not_also_where_they_cannot_be_compared(value, holds):
    node = parse("row.a < 5")
    (text,) = terms_of(node)

    assert holds_with(node, {text: value}) is holds


def test_what_is_the_same_in_every_run_is_a_constant():
    assert [constant_of(parse(each)) for each in ("1 + 1", "'a'", "row.a", "rows is sequence")] == [
        2,
        "a",
        UNKNOWN,
        True,
    ]


@pytest.mark.parametrize(
    ("text", "name", "counts"),
    [("rows | length", "length", True), ("row.total_count", "", True), ("stdout | int", "int", False)],
)
def test_what_a_number_of_things_is_called(text, name, counts):
    node = parse(text)

    assert isinstance(node, nodes.Expr)
    assert (filter_name(node), is_count(node)) == (name, counts)
