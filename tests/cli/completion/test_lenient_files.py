"""Files are read leniently for completion: what is there is offered, and what is broken is no cause for noise."""

from __future__ import annotations

import json

import pytest
from harness.fakes import RUN_ID, runbook_file

from runner.cli.completion import lenient_files

REGISTRY = """\
# Alerts
MON-001:
  title: Too slow   # a comment
  owner: on-call
MON-002: {owner: on-call, title: "Too many errors"}
MON-003:
  owner: on-call
"""


def test_runbooks_and_entries_have_their_titles(tmp_path):
    runbook_file(tmp_path)
    (tmp_path / "runbooks" / "RUN-002.yml").write_bytes(b"title: 'Quoted'\n\xff: [")
    (tmp_path / "runbooks" / "RUN-x.yml").write_text("title: no id")
    registry = tmp_path / "runbooks" / "registry"
    registry.mkdir()
    (registry / "alerts.yml").write_text(REGISTRY)

    assert lenient_files.titles(tmp_path) == {"RUN-001": "Disk is full", "RUN-002": "Quoted"}
    assert lenient_files.entries(tmp_path) == {"MON-001": "Too slow", "MON-002": "Too many errors", "MON-003": ""}


def test_where_there_is_no_library_there_is_nothing(tmp_path):
    assert (lenient_files.titles(tmp_path), lenient_files.entries(tmp_path), lenient_files.runs(tmp_path)) == (
        {},
        {},
        {},
    )
    assert lenient_files.contacts(tmp_path) == {}
    assert lenient_files.runbook(tmp_path / "RUN-001.yml") == {}


def test_contacts_have_their_names(tmp_path):
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "contacts.yml").write_text(
        "# who\ndb-team: {name: 'The DBAs', level: L2}\non-call:\n  name: On-call # always\nx:\n  level: L1\n"
    )

    assert lenient_files.contacts(tmp_path) == {"db-team": "The DBAs", "on-call": "On-call", "x": ""}


def test_a_runbook_is_its_keys_and_texts(tmp_path):
    found = lenient_files.runbook(runbook_file(tmp_path))

    assert found["title"] == "Disk is full"
    assert [step["id"] for step in lenient_files.steps(found)] == ["look"]


@pytest.mark.parametrize(
    "text", ["", "a", "- a", "a: [", "steps: {a: 1}", "steps: [a, {name: b}]", "? [a]\n: b", "{" * 5000]
)
def test_what_is_no_runbook_has_no_steps(tmp_path, text):
    (tmp_path / "a.yml").write_text(text)

    assert lenient_files.steps(lenient_files.runbook(tmp_path / "a.yml")) == []


def test_the_runs_are_newest_first_and_one_that_can_not_be_read_is_one(tmp_path):
    for name, text in ((RUN_ID, json.dumps({"runbook": "RUN-001"})), ("20250101T000000Z-00000000", "{"), ("x", "{}")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text(text)

    assert list(lenient_files.runs(tmp_path).items()) == [
        (RUN_ID, {"runbook": "RUN-001"}),
        ("20250101T000000Z-00000000", {}),
    ]
