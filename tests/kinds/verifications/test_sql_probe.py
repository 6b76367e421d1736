"""`sql`: a verification looks at rows."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import psql
from runner.kinds.verifications.sql_probe import SqlProbe


def test_a_query(short):
    kind = SqlProbe.model_validate({"sql": "SELECT %(a)s AS a\nFROM t", "params": {"a": "{{ a }}"}})
    assert kind.probe(short) == psql("SELECT %(a)s AS a\nFROM t", {"a": "{{ a }}"}, timeout=short)
    assert (kind.text, kind.describe()) == (None, "SQL: SELECT %(a)s AS a")
    with pytest.raises(ValueError, match="^sql alone says nothing about what is good; add `that`$"):
        kind.default_conditions()


def test_a_query_is_whole(refusals):
    assert refusals(SqlProbe, sql="SELECT '") == [
        "a quotation or a comment is not closed, or there is a comment inside a comment"
    ]
