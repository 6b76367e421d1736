"""A summary says what lists, gates and the matrix need of a runbook, and where it is written."""

from __future__ import annotations

from harness.fakes import runbook_file

from runner.library.index.summary import Summary
from runner.library.library import Library


def test_it_says_the_same_as_the_runbook(tmp_path):
    runbook_file(tmp_path, inputs={"a": {"type": "int", "help": "A"}, "b": {"type": "int", "help": "B", "default": 1}})
    source = Library(tmp_path).source("RUN-001")
    summary = Summary.of(source)

    for key in ("id", "title", "category", "severity", "owner", "trigger", "scope", "deprecated"):
        assert getattr(summary, key) == getattr(source.runbook, key)
    assert (summary.contacts, summary.required_inputs, summary.steps) == (("on-call",), ("a",), 1)
    assert (summary.sha256, summary.todo_line) == (source.sha256, None)
    assert Summary.model_validate_json(summary.model_dump_json()) == summary


def test_a_finding_stands_where_its_place_does_or_the_nearest_one_that_is_known(tmp_path):
    path = runbook_file(tmp_path)
    source = Library(tmp_path).source("RUN-001")
    summary = Summary.of(source)

    for place in (("owner",), ("escalation", "contacts", 0), ("trigger",), ("id",), ()):
        assert summary.finding(place, "rule", "message") == source.document.finding(place, "rule", "message")
    assert summary.position(("steps", 0, "id")) == source.document.position(("steps",))
    assert summary.file.endswith(path.name)


def test_the_first_line_with_something_to_do_is_known(tmp_path):
    runbook_file(tmp_path, title="TODO title")
    source = Library(tmp_path).source("RUN-001")

    line = Summary.of(source).todo_line
    assert "TODO title" in source.document.text.splitlines()[line - 1]
