"""What is kept of a file survives JSON, and says what the file says."""

from __future__ import annotations

import json
from dataclasses import fields

from harness.collected import alert
from harness.fakes import runbook_file

from runner.library.index.indexed_file import index, index_runbook
from runner.library.index.summary import findings_of
from runner.library.library import Library
from runner.library.registry.entry_kinds import references_of
from runner.library.registry.registry import Reference
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


def indexed(directory, name, text):
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return index(path, path.read_bytes())


def test_the_entries_of_a_registry_are_kept_with_the_faults_of_others(tmp_path):
    made = indexed(tmp_path, "registry/a.yml", "# first\n" + alert("MON-001", symptoms="[No space]") + "MON-002: {}\n")
    (original,), _ = references_of(load((tmp_path / "registry" / "a.yml").read_bytes(), file="a.yml"))

    (entry,) = kept(made.content)
    assert Reference(**{**entry, "file": "a.yml"}) == Reference(**kept({**vars_of(original), "file": "a.yml"}))
    assert {each.path for each in findings_of("a.yml", kept(made.faults))} == {
        f"MON-002.{key}" for key in ("title", "owner", "severity", "condition")
    }


def vars_of(value):
    return {each.name: getattr(value, each.name) for each in fields(value)}


def test_a_registry_that_is_no_yaml_is_kept_as_its_faults(tmp_path):
    made = indexed(tmp_path, "registry/a.yml", "{")

    assert [each.rule for each in findings_of("a.yml", kept(made.faults))] == ["yaml-syntax"]
    assert made.content is None


def test_of_contacts_is_kept_what_is_written_and_who_can_be_called(tmp_path):
    ticket = {"jira": {"url": "http://127.0.0.1:9", "project": "OPS", "user": "ops@example.org", "token": "env:JIRA"}}
    written = {
        "on-call": {"name": "Ops", "handle": "@ops", "channels": [{"webhook": {"url": "http://127.0.0.1:9/"}}]},
        "desk": {"name": "Desk", "level": "L2", "members": ["alice"], "channels": [ticket]},
    }
    made = indexed(tmp_path, "contacts.yml", json.dumps(written))

    assert list(findings_of("contacts.yml", kept(made.faults))) == []
    assert kept(made.content) == [
        written,
        {
            "on-call": {
                "name": "Ops",
                "handle": "@ops",
                "level": "L1",
                "members": [],
                "channels": ["webhook"],
                "is_callable": True,
            },
            "desk": {
                "name": "Desk",
                "handle": None,
                "level": "L2",
                "members": ["alice"],
                "channels": ["jira"],
                "is_callable": False,
            },
        },
    ]


def test_contacts_that_do_not_load_are_kept_as_their_faults(tmp_path):
    made = indexed(tmp_path, "contacts.yml", "on-call: 1\n")

    assert [each.rule for each in findings_of("contacts.yml", kept(made.faults))] == ["wrong-type"]
    assert made.content is None


def test_a_summary_says_the_same_as_the_runbook(tmp_path):
    excludes = ["Disk of a laptop", {"what": "Database", "see": "RUN-002"}]
    runbook_file(
        tmp_path,
        inputs={"a": {"type": "int", "help": "A"}, "b": {"type": "int", "help": "B", "default": 1}},
        scope={"handles": ["Disk"], "excludes": excludes},
        deprecated={"since": "2026-01-31", "replaced_by": "RUN-002", "reason": "old"},
    )
    source = Library(tmp_path).source("RUN-001")
    runbook, document = source.runbook, source.document
    summary = index_runbook(source.path, source.text).content

    assert {**summary, "positions": None} == {
        **{key: getattr(runbook, key) for key in ("id", "title", "category", "severity", "owner")},
        "file": document.file,
        "sha256": source.sha256,
        "deprecated": "deprecated since 2026-01-31: old",
        "instead": "use RUN-002",
        "replaced_by": "RUN-002",
        **{key: getattr(runbook.trigger, key) for key in ("alert", "condition", "event")},
        "handles": ("Disk",),
        "excludes": [("Database", "RUN-002")],
        "contacts": ("on-call",),
        "required_inputs": ["a"],
        "steps": 1,
        "todo_line": None,
        "positions": None,
    }
    assert summary["positions"]["owner"] == document.position(("owner",))


def test_the_first_line_with_something_to_do_is_known(tmp_path):
    path = runbook_file(tmp_path, title="TODO title")

    line = index_runbook(path, path.read_bytes()).content["todo_line"]
    assert "TODO title" in path.read_text().splitlines()[line - 1]
