"""A library is a directory, and a runbook in it is found by its id or as a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.fakes import CONTACTS, RUNBOOK, runbook_file
from harness.runbook_files import read_runbook

from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.yaml.document import load
from runner.model.yaml.yaml_file import MAX_BYTES


@pytest.fixture
def library(tmp_path):
    runbook_file(tmp_path)
    return Library(tmp_path)


def refusal(call, *args, **options):
    with pytest.raises(InvalidInputError) as caught:
        call(*args, **options)
    return caught.value.message, caught.value.hint


def test_a_runbook_is_found_by_its_id_or_its_file(library, tmp_path):
    path = tmp_path / "runbooks" / "RUN-001.yml"
    data = RUNBOOK.encode()
    source = Source(read_runbook(path), path, data, load(data, file="-"))
    assert library.source("RUN-001") == source
    assert library.source(str(path)) == source


def test_only_files_that_are_named_like_a_runbook_are_runbooks(library, tmp_path):
    for name in ("RUN-010.yml", "RUN-002.yaml", "RUN-1.yml", "RUN-003.yml.bak", "contacts.yml"):
        (tmp_path / "runbooks" / name).touch()
    assert library.ids() == ["RUN-001", "RUN-010"]


@pytest.mark.parametrize(
    ("name", "hint"), [("RUN-011", "did you mean RUN-001?"), ("RUN-987", "runbook list shows all of them")]
)
def test_an_id_that_is_not_there(library, tmp_path, name, hint):
    assert refusal(library.source, name) == (f"there is no runbook {name} in {tmp_path / 'runbooks'}", hint)


@pytest.mark.parametrize("name", ["run-001", "nowhere.yml", "", "../RUN-001"])
def test_what_is_neither_an_id_nor_a_file(library, name):
    assert refusal(library.source, name) == (f"{name!r} is neither the id of a runbook (RUN-001) nor a file", "")


def test_a_file_that_can_not_be_read(library):
    assert refusal(library.source, "/proc/self/mem") == (
        "/proc/self/mem:1:1: cannot be read: Input/output error [error: unusable-file]",
        "",
    )


def test_a_file_that_is_too_large_is_not_read_to_its_end(library, tmp_path):
    (tmp_path / "runbooks" / "RUN-001.yml").write_bytes(b"#" * (MAX_BYTES + 10))
    assert "is larger than 256 KiB" in refusal(library.source, "RUN-001")[0]


def test_the_playbook_and_the_contacts_lie_beside_the_runbook(library, tmp_path):
    source = library.source("RUN-001")
    assert library.playbook(source) == tmp_path / "playbooks" / "RUN-001.yml"
    assert list(library.contacts(source)) == ["backend-team", "on-call"]
    assert CONTACTS.startswith("backend-team")


def test_a_library_is_named_or_here_or_above_and_the_products_own_only_where_it_is_asked_for(tmp_path):
    here, given = tmp_path / "here", tmp_path / "given"
    (here / "runbooks").mkdir(parents=True)
    (given / "runbooks").mkdir(parents=True)
    assert Library.find(given, here=here) == Library(given)
    assert Library.find(None, here=here) == Library(here)
    assert Library.find(Path("shipped"), here=here) == Library.shipped()
    assert refusal(Library.find, None, here=tmp_path)[0].startswith("there is no library here")
    (here / "runbooks" / "RUN-001.yml").touch()
    assert Library.find(None, here=here / "a" / "b") == Library(here)
    assert "RUN-001" in Library.shipped().ids()
    assert refusal(Library.find, tmp_path, here=here) == (
        f"{tmp_path} holds no runbooks/",
        "name the directory above runbooks/",
    )
