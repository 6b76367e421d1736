"""What is kept of a file survives JSON, and says what the file says."""

from __future__ import annotations

import json

from harness.collected import alert
from harness.fakes import runbook_file

from runner.library.index.indexed_file import document_of, findings_of, index_registry, index_runbook
from runner.library.root import digest
from runner.model.yaml.document import load


def kept(value):
    return json.loads(json.dumps(value))


def test_the_faults_of_a_runbook_are_kept_without_the_name_of_the_file(tmp_path):
    path = runbook_file(tmp_path, severity="P9", title="")
    made = index_runbook(path, path.read_bytes())

    findings = list(findings_of("x.yml", kept(made.faults)))
    assert [(each.file, each.rule, each.level.value) for each in findings] == [("x.yml", "wrong-value", "error")] * 2
    assert (made.content, made.passages, path.name) == (None, (), "RUN-001.yml")


def test_the_files_that_a_runbook_is_read_with_are_kept(tmp_path):
    step = {"id": "check", "name": "Check", "script": "check.sh", "verify": [{"exit": 0}]}
    path = runbook_file(tmp_path, steps=[step])
    assert index_runbook(path, path.read_bytes()).beside == {"check.sh": ""}
    (tmp_path / "runbooks" / "check.sh").write_text("#!/bin/sh\ndf -h\n")

    made = index_runbook(path, path.read_bytes())
    assert [*map(bool, made.beside.values())] == [True]
    assert "df" in [word for kind, word, *_ in made.mentions if kind == "program"]


def test_shared_steps_are_read_with_it_also_where_they_are_not_there(tmp_path):
    path = runbook_file(tmp_path, steps=[{"use": "shared/web"}])
    made = index_runbook(path, path.read_bytes())
    assert (next(iter(findings_of("x.yml", kept(made.faults)))).rule, made.beside) == (
        "unknown-shared-steps",
        {"shared/web.yml": ""},
    )
    step = {"id": "look", "name": "Look", "command": "df /", "verify": [{"exit": 0}]}
    shared = tmp_path / "runbooks" / "shared" / "web.yml"
    shared.parent.mkdir()
    shared.write_text(json.dumps({"title": "Look", "steps": [step]}))

    made = index_runbook(path, path.read_bytes())
    assert made.beside == {"shared/web.yml": digest(shared)}
    assert [(kind, word) for kind, word, *_ in made.mentions if kind == "shared"] == [("shared", "shared/web")]
    shared.write_text("{")
    faults = findings_of("runbooks/x.yml", kept(index_runbook(path, path.read_bytes()).faults))
    assert [(each.file, each.rule) for each in faults] == [("runbooks/shared/web.yml", "yaml-syntax")]


def test_the_entries_of_a_registry_are_kept_with_their_positions(tmp_path):
    path = tmp_path / "a.yml"
    path.write_text("# first\n" + alert("MON-001", symptoms="[No space]"))

    document = document_of("a.yml", kept(index_registry(path, path.read_bytes()).content))
    original = load(path.read_bytes(), file="a.yml")
    assert document.value == original.value
    assert {place: document.position(place) for place in document.marks} == {
        place: original.position(place) for place in original.marks
    }


def test_a_registry_that_is_no_yaml_is_kept_as_its_faults(tmp_path):
    (tmp_path / "a.yml").write_text("{")
    made = index_registry(tmp_path / "a.yml", (tmp_path / "a.yml").read_bytes())

    assert [each.rule for each in findings_of("a.yml", kept(made.faults))] == ["yaml-syntax"]
    assert made.content is None
