"""A collection is everything that is written in a library, with the faults of what could not be read."""

from __future__ import annotations

import os
import shutil

import pytest
from harness.fakes import RUNBOOK, runbook_file

from runner.library.library import Library
from runner.library.snapshot import read
from runner.model.yaml.finding import InvalidFileError


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runbook_file(tmp_path)
    registry = tmp_path / "runbooks" / "registry"
    registry.mkdir()
    (registry / "a.yml").write_text("TECH-001: {title: PostgreSQL, owner: backend-team}\n")
    return tmp_path


def test_it_holds_the_runbooks_the_registry_and_the_contacts(root):
    found = read(Library(root))

    assert {name: each.title for name, each in found.runbooks.items()} == {"RUN-001": "Disk is full"}
    assert [*found.runbooks] == ["RUN-001"]
    assert Library(root).source("RUN-001").document.text == RUNBOOK
    assert {name: each.title for name, each in found.references.items()} == {"TECH-001": "PostgreSQL"}
    assert (list(found.contacts), list(found.handles)) == (["backend-team", "on-call"],) * 2
    assert (found.faults, found.whole()) == ((), found)


def test_what_does_not_load_is_told_and_hides_nothing_else(root):
    runbook_file(root, id="RUN-002", severity="P9")
    (root / "runbooks" / "registry" / "b.yml").write_text("{")
    (root / "runbooks" / "contacts.yml").write_text("a: 1\n")

    found = read(Library(root))

    assert ([*found.runbooks], [*found.references], found.contacts) == (["RUN-001"], ["TECH-001"], {})
    assert [f"{each.file}: {each.rule}" for each in found.faults] == [
        "runbooks/RUN-002.yml: wrong-value",
        "runbooks/contacts.yml: wrong-type",
        "runbooks/registry/b.yml: yaml-syntax",
    ]
    with pytest.raises(InvalidFileError) as caught:
        found.whole()
    assert caught.value.findings == found.faults


def test_a_library_without_contacts_and_registry_is_one(tmp_path):
    runbook_file(tmp_path)
    (tmp_path / "runbooks" / "contacts.yml").unlink()

    found = read(Library(tmp_path))

    assert (found.references, found.contacts, found.handles, found.faults) == ({}, {}, {}, ())


@pytest.mark.parametrize("name", ["RUN-002.yaml", "RUN-2.yml", "run-002.yml", "RUN_002.yml"])
def test_a_file_that_is_nearly_a_runbook_is_not_passed_over(root, name):
    (root / "runbooks" / name).touch()

    assert [str(each) for each in read(Library(root)).faults] == [
        f"runbooks/{name}:1:1: is not read as a runbook; name it RUN-002.yml [error: file-name]"
    ]


def test_what_is_no_file_is_a_finding_about_it_and_hides_nothing_else(root):
    runbooks = root / "runbooks"
    (runbooks / "RUN-002.yml").mkdir()
    (runbooks / "RUN-003.yml").symlink_to("nowhere.yml")
    os.mkfifo(runbooks / "RUN-004.yml")
    (runbooks / "registry" / "loop.yml").symlink_to("loop.yml")
    os.mkfifo(runbooks / "registry" / "pipe.yml")
    (runbooks / "contacts.yml").unlink()
    (runbooks / "contacts.yml").mkdir()

    found = read(Library(root))

    assert ([*found.runbooks], [*found.references], found.contacts) == (["RUN-001"], ["TECH-001"], {})
    assert [str(each).replace(":1:1", "") for each in found.faults] == [
        "runbooks/RUN-002.yml: is a directory, not a file [error: unusable-file]",
        "runbooks/RUN-003.yml: is a link to nowhere.yml, which is not there [error: unusable-file]",
        "runbooks/RUN-004.yml: is a named pipe, not a file [error: unusable-file]",
        "runbooks/contacts.yml: is a directory, not a file [error: unusable-file]",
        "runbooks/registry/loop.yml: cannot be read: Too many levels of symbolic links [error: unusable-file]",
        "runbooks/registry/pipe.yml: is a named pipe, not a file [error: unusable-file]",
    ]
    assert Library(root).next_id() == "RUN-005"


@pytest.mark.parametrize(
    ("target", "reason"), [("nowhere", "No such file or directory"), ("registry", "Too many levels of symbolic links")]
)
def test_a_registry_that_cannot_be_listed_is_not_an_empty_one(root, target, reason):
    shutil.rmtree(root / "runbooks" / "registry")
    (root / "runbooks" / "registry").symlink_to(target)

    hint = "make it a directory that you may read, or take it away"
    assert [(each.message, each.hint) for each in read(Library(root)).faults] == [(f"cannot be read: {reason}", hint)]
