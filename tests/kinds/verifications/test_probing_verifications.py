"""`command`, `http` and `sql`: what a verification looks at."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import bounded, psql, uri
from runner.kinds.verifications.command_probe import CommandProbe
from runner.kinds.verifications.http_probe import HttpProbe
from runner.kinds.verifications.sql_probe import SqlProbe


def test_a_command_that_only_looks(short):
    kind = CommandProbe.model_validate({"command": "systemctl is-active '{{ unit }}'"})
    assert kind.probe(short) == bounded(["systemctl", "is-active", "{{ unit }}"], timeout=short)
    assert (kind.default_conditions(), kind.conditions("stdout"), kind.text) == (("rc == 0",), (), "stdout")
    assert kind.describe() == "systemctl is-active {{ unit }} succeeds"


def test_a_command_may_be_given_variables_like_a_password(short):
    kind = CommandProbe.model_validate({"command": "psql -c ''", "env": {"PGPASSWORD": "{{ key }}"}})
    assert kind.probe(short) == bounded(["psql", "-c", ""], timeout=short, environment={"PGPASSWORD": "{{ key }}"})


@pytest.mark.parametrize(
    ("written", "request_", "words"),
    [
        ("http://a/", {"url": "http://a/", "method": "GET"}, "GET http://a/ answers"),
        (
            {"url": "{{ u }}", "method": "POST", "body": {"a": 1}},
            {"url": "{{ u }}", "method": "POST", "body": {"a": 1}, "body_format": "json"},
            "POST {{ u }} answers",
        ),
    ],
)
def test_a_request_whatever_its_answer(written, request_, words, short):
    kind = HttpProbe.model_validate({"http": written})
    assert kind.probe(short) == uri(request_, timeout=short)
    assert (kind.default_conditions(), kind.text, kind.describe()) == (("status == 200",), "content", words)


def test_a_query(short):
    kind = SqlProbe.model_validate({"sql": "SELECT %(a)s AS a\nFROM t", "params": {"a": "{{ a }}"}})
    assert kind.probe(short) == psql("SELECT %(a)s AS a\nFROM t", {"a": "{{ a }}"}, timeout=short)
    assert (kind.text, kind.describe()) == (None, "SQL: SELECT %(a)s AS a")
    with pytest.raises(ValueError, match="^sql alone says nothing about what is good; add `that`$"):
        kind.default_conditions()


@pytest.mark.parametrize(
    ("kind", "written", "sentence"),
    [
        (CommandProbe, {"command": ""}, "names no program"),
        (
            HttpProbe,
            {"http": "localhost/health"},
            "must begin with http://, https:// or a template, not 'localhost/health'",
        ),
        (
            SqlProbe,
            {"sql": "SELECT '"},
            "a quotation or a comment is not closed, or there is a comment inside a comment",
        ),
    ],
)
def test_what_they_refuse(kind, written, sentence, refusals):
    assert refusals(kind, **written) == [sentence]
