"""What was reviewed is what runs, byte for byte."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file

from runner.compiler.committed_playbook import compiled, is_stale, reviewed
from runner.core.errors import InvalidInputError
from runner.library.library import Library


@pytest.fixture
def library(tmp_path):
    runbook_file(tmp_path)
    made = Library(tmp_path)
    (tmp_path / "playbooks").mkdir()
    source = made.source("RUN-001")
    made.playbook(source).write_bytes(compiled(source).encode())
    return made


def refusal(library):
    with pytest.raises(InvalidInputError) as caught:
        reviewed(library, library.source("RUN-001"))
    return caught.value.message, caught.value.hint


def test_a_fresh_playbook_runs_as_it_is(library):
    source = library.source("RUN-001")
    assert not is_stale(library, source)
    assert reviewed(library, source) == library.playbook(source).read_bytes() == compiled(source).encode()


def test_a_playbook_that_is_not_there(library):
    source = library.source("RUN-001")
    path = library.playbook(source)
    path.unlink()
    assert is_stale(library, source)
    assert refusal(library) == (f"{path} is missing", "runbook compile RUN-001, then review it")


@pytest.mark.parametrize(
    "edited",
    [
        lambda data: data + b"\n",
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"register: result", b"register: result\n          ignore_errors: true"),
        lambda data: b"\xff" + data,
        lambda data: b"",
    ],
    ids=["appended", "other line ends", "smuggled", "no text", "empty"],
)
def test_a_playbook_that_somebody_edited(library, edited):
    source = library.source("RUN-001")
    path = library.playbook(source)
    path.write_bytes(edited(path.read_bytes()))
    assert is_stale(library, source)
    assert refusal(library) == (
        f"{path} is not what RUN-001.yml compiles to",
        "runbook compile RUN-001, then review the difference",
    )


def test_a_runbook_that_has_changed_since(library, tmp_path):
    runbook_file(tmp_path, title="Another one")
    assert is_stale(library, library.source("RUN-001"))


def test_a_script_that_has_changed_since(library, tmp_path):
    # Given a playbook with a script in it
    (tmp_path / "runbooks" / "a.sh").write_text("#!/bin/sh\necho one\n")
    runbook_file(tmp_path, steps=[{"id": "a", "name": "A", "script": "a.sh", "verify": [{"exit": 0}]}])
    source = library.source("RUN-001")
    library.playbook(source).write_text(compiled(source))
    assert not is_stale(library, source)
    # When the script changes, or goes
    (tmp_path / "runbooks" / "a.sh").write_text("#!/bin/sh\necho two\n")
    # Then what was reviewed is not what would run
    assert is_stale(library, source)
    (tmp_path / "runbooks" / "a.sh").unlink()
    with pytest.raises(InvalidInputError, match="a: a.sh is not there; it is looked for beside"):
        compiled(source)


@pytest.mark.parametrize("name", ["group_vars", "host_vars"])
def test_variables_that_only_plain_ansible_would_read(library, tmp_path, name):
    path = tmp_path / "playbooks" / name
    path.mkdir()

    assert refusal(library) == (
        f"{path} is read by plain Ansible and not by a run, which has its variables from the inventory",
        f"move it beside the hosts: INVENTORY/{name}",
    )
