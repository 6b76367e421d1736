"""What is said of a path is what is there: links are followed, and what cannot be looked at is no answer."""

from __future__ import annotations

import hashlib
import os
import pwd
import time

import pytest


@pytest.mark.parametrize("name", ["plain", "with space", "-rf", "with\nbreak", "$(reboot)", "{{ braces }}", "ü\udcff"])
def test_a_file_with_any_name_is_seen(look, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"text")
    path.chmod(0o640)
    os.utime(path, (time.time() - 100, time.time() - 100))

    found = look(path=path)

    assert found.pop("age_seconds") >= 99
    assert found == {"exists": True, "owner": pwd.getpwuid(os.getuid()).pw_name, "mode": "0640"}


def test_what_is_not_there_is_told_from_a_link_to_nothing(look, tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").touch()

    assert look(path=tmp_path / "none") == {"exists": False}
    assert look(path=tmp_path / "file" / "below") == {"exists": False}
    assert look(path=tmp_path / "link") == {"exists": "a link to nothing"}


@pytest.mark.parametrize("before", [0, (1 << 20) - 4, (1 << 20) + 1])
def test_a_text_is_found_wherever_it_stands(look, tmp_path, before):
    data = b"x" * before + b"needle" + b"\xff" * 10
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "link").symlink_to("file")

    found = look(path=tmp_path / "link", contains="needle")

    assert (found["contains"], found["sha256"]) == (True, hashlib.sha256(data).hexdigest())
    assert look(path=tmp_path / "file", contains="needles")["contains"] is False
    assert look(path=tmp_path / "file", contains="")["contains"] is False


def test_what_has_no_contents_or_cannot_be_looked_at_is_no_answer(look, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")

    for name in (".", "pipe"):
        path = str(tmp_path / name)
        assert look(path=path, contains="x") == f"{path} is no regular file, so nobody can say what it contains"
    assert look(path=tmp_path / "loop").startswith(f"cannot look at {tmp_path}/loop: Too many levels of symbolic links")
    assert look(path="etc/passwd") == "'etc/passwd' is no absolute path"
    assert look(path="") == "'' is no absolute path"


@pytest.mark.skipif(os.getuid() != 0, reason="only root becomes another user")
def test_a_file_that_cannot_be_read_is_no_answer(look, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "file").write_text("needle")
    closed.chmod(0)
    path = f"/proc/self/root{closed}/file"  # what lies above a test's directory is root's own

    assert look("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", path=path).startswith("cannot look at ")
