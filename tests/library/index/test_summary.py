"""What is kept of a runbook comes back as a summary, which knows where it is written."""

from __future__ import annotations

import json

from harness.fakes import runbook_file

from runner.library.index.indexed_file import index_runbook
from runner.library.index.summary import summary_of
from runner.library.library import Library
from runner.model.category import Category


def kept(path):
    return json.loads(json.dumps(index_runbook(path, path.read_bytes()).content))


def test_a_summary_is_made_of_what_was_kept(tmp_path):
    summary = summary_of("elsewhere.yml", kept(runbook_file(tmp_path)))

    assert (summary.file, summary.id, summary.title) == ("elsewhere.yml", "RUN-001", "Disk is full")
    assert summary.category is Category.INCIDENT


def test_a_finding_stands_where_its_place_does_or_the_nearest_one_that_is_known(tmp_path):
    runbook_file(tmp_path)
    document = Library(tmp_path).source("RUN-001").document
    summary = summary_of(document.file, kept(tmp_path / "runbooks" / "RUN-001.yml"))

    for place in (("owner",), ("escalation", "contacts", 0), ("trigger",), ("id",), ()):
        assert summary.finding(place, "rule", "message") == document.finding(place, "rule", "message")
    assert summary.position(("steps", 0, "id")) == document.position(("steps",))
