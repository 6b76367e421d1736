"""`sql`: one statement through psql."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import psql
from runner.kinds.steps.sql_step import SqlStep


def test_a_statement_goes_through_psql_with_its_parameters(minute, no_file):
    written = {"sql": "SELECT %(a)s AS a, %(b)s::int[] AS b", "params": {"a": "{{ a }}", "b": [1, 2]}}
    step = SqlStep.model_validate(written)
    assert step.invocation(minute, no_file) == psql(written["sql"], written["params"], timeout=minute)
    assert step.describe() == written["sql"]


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"sql": "SELECT 1; SELECT 2"}, "holds several statements; write one step for each, so that each is verified"),
        ({"sql": "SELECT %(a)s"}, "%(a)s has no value; give it under params"),
        ({"sql": "SELECT %(A)s", "params": {"A": 1}}, "must be small letters, digits and _, like stuck_after, not 'A'"),
        ({"sql": "SELECT '{{ a }}'"}, "a value is never pasted into SQL; write %(name)s and give it under params"),
    ],
)
def test_what_it_refuses(written, sentence, refusals):
    assert refusals(SqlStep, **written) == [sentence]


def test_a_list_is_one_template_or_has_none_in_it(refusals):
    sentences = refusals(SqlStep, sql="SELECT %(a)s::text[]", params={"a": ["{{ b }}"]})
    assert "give the whole list as one {{ template }}" in sentences


@pytest.mark.parametrize("value", ["text", 1, 1.5, True, [1, "a", 1.5, False]])
def test_what_can_be_bound(value):
    cast = "::text[]" if isinstance(value, list) else ""
    assert SqlStep.model_validate({"sql": f"SELECT %(a)s{cast}", "params": {"a": value}}).params == {"a": value}
