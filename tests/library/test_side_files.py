"""The files that a playbook needs are read once, from inside of the library only."""

from __future__ import annotations

import hashlib

import pytest
from harness.fakes import runbook_file

from runner.compiler.committed_playbook import compiled
from runner.core.errors import InvalidInputError
from runner.library.library import Library
from runner.library.side_files import SideFiles, read_side_files

COPY = {
    "id": "motd",
    "name": "Write the message of the day",
    "module": {"ansible.builtin.copy": {"src": "files/motd", "dest": "/etc/motd"}},
    "verify": [{"command": "test -s /etc/motd"}],
}


@pytest.fixture
def root(tmp_path):
    for name in ("runbooks/files/motd", "runbooks/files/more/deep", "other"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def test_a_file_and_all_that_lies_in_a_directory_are_read(root):
    files = read_side_files(root, ["other", "runbooks/files"])
    names = ("other", "runbooks/files/more/deep", "runbooks/files/motd")
    contents = {name: f"{name}\n".encode() for name in names}
    assert files == SideFiles(contents, {})
    assert files.digests["other"] == hashlib.sha256(b"other\n").hexdigest()


def test_what_cannot_be_had_says_why(root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret"
    elsewhere.write_text("secret")
    (root / "link").symlink_to(elsewhere)
    assert read_side_files(root, ["absent", "link"]) == SideFiles(
        {},
        {
            "absent": f"absent is not there; it is looked for in {root}",
            "link": "link leads out of the library",
        },
    )


def test_a_playbook_names_each_file_by_its_hash_and_takes_it_from_where_it_lies(root):
    runbook_file(root, steps=[COPY])
    source = Library(root).source("RUN-001")
    text = compiled(source)
    sha256 = hashlib.sha256(b"runbooks/files/motd\n").hexdigest()
    assert f"# Files that it needs besides:\n#   runbooks/files/motd  SHA-256 {sha256}\n" in text
    assert "src: ../runbooks/files/motd" in text
    (root / "runbooks/files/motd").write_text("other")
    assert compiled(source) == text  # what was read is what is used
    assert compiled(Library(root).source("RUN-001")) != text


def test_a_file_that_is_not_there_is_no_playbook(root):
    path = runbook_file(root, steps=[COPY])
    (root / "runbooks/files/motd").unlink()
    with pytest.raises(InvalidInputError) as caught:
        compiled(Library(root).source("RUN-001"))
    assert caught.value.message == f"{path}: runbooks/files/motd is not there; it is looked for in {root}"
