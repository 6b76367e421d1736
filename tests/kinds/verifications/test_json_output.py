"""`json`: values at paths of the JSON output or answer."""

from __future__ import annotations

import jinja2
import pytest

from runner.kinds.verifications.json_output import Json


@pytest.mark.parametrize(
    ("path", "value", "condition"),
    [
        ("status", "ok", "json['status'] == 'ok'"),
        ("checks[0].state", 1, "json['checks'][0]['state'] == 1 and json['checks'][0]['state'] is not boolean"),
        ("a.b.c", -1.5, "json['a']['b']['c'] == -1.5 and json['a']['b']['c'] is not boolean"),
        ("a", True, "json['a'] is sameas true"),
        ("a", None, "json['a'] == none"),
        ("a", "it's {{", None),
        ("a", "{{ version }}", "json['a'] == (version) and (json['a'] is boolean) == ((version) is boolean)"),
        ("items.keys", "x", "json['items']['keys'] == 'x'"),
    ],
)
def test_each_path_holds_exactly_its_value(path, value, condition, refusals):
    if condition is None:
        value = "it's {"
        condition = "json['a'] == \"it's {\""
    kind = Json.model_validate({"json": {path: value}})
    assert kind.conditions("stdout") == (condition,)
    assert kind.describe() == f"{path} is {value}"


@pytest.mark.parametrize(
    ("value", "found", "holds"),
    [
        (1, 1, True),
        (1, 1.0, True),
        (1, True, False),
        (0.0, False, False),
        ("{{ given }}", True, False),
        ("{{ given }}", 1, True),
        ("{{ given == 1 }}", 1, False),
        (True, True, True),
        (True, 1, False),
        (False, 0, False),
        ("1", 1, False),
        (None, None, True),
    ],
)
def test_true_is_not_one(value, found, holds):
    (condition,) = Json.model_validate({"json": {"a": value}}).conditions("content")
    assert jinja2.Environment().compile_expression(condition)(json={"a": found}, given=1) is holds


def test_several_values_are_several_conditions():
    kind = Json.model_validate({"json": {"a": 1, "b": 2}})
    assert (len(kind.conditions("content")), kind.describe()) == (2, "a is 1 and b is 2")


def test_a_result_without_text_has_no_json():
    with pytest.raises(ValueError, match="^json needs a command's output or an HTTP answer; this result has neither$"):
        Json.model_validate({"json": {"a": 1}}).conditions(None)


@pytest.mark.parametrize(
    ("written", "sentences"),
    [
        ({}, ["compares nothing"]),
        ({"a b": 1}, ["must be a path, like status or checks[0].state, not 'a b'"]),
        ({"a": "v{{ x }}"}, ["must be plain text or one {{ template }}, not both; use `that`"]),
        ([], ["Input should be a valid dictionary"]),
    ],
)
def test_what_it_refuses(written, sentences, refusals):
    assert refusals(Json, json=written)[: len(sentences)] == sentences
