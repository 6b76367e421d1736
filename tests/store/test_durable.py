"""A file that is replaced is the old one or the new one."""

from __future__ import annotations

import pytest

from runner.store import durable


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "a.json"
    durable.write(path, "one ü")
    durable.write(path, "two ü")
    assert path.read_text(encoding="utf-8") == "two ü"
    assert list(tmp_path.iterdir()) == [path]


def test_what_can_not_be_written_leaves_what_was_there(tmp_path, small_disk):
    # Given a file on a disk with little room
    path = small_disk / "a.json"
    durable.write(path, "before")
    # When more is written than there is room for
    with pytest.raises(OSError, match="No space left"):
        durable.write(path, "x" * 1_000_000)
    # Then it is as it was
    assert path.read_text(encoding="utf-8") == "before"


def test_what_is_appended_stands_behind_what_was_there_or_not_at_all(small_disk):
    # Given a file without an end of its last line
    path = small_disk / "log.md"
    durable.extend(path, lambda text: f"{text!r}\n")
    path.write_text(path.read_text() + "by hand")
    # When more is appended, then nothing, and then more than there is room for
    durable.extend(path, lambda text: f"{len(text)}\n")
    durable.extend(path, lambda text: "")
    with pytest.raises(OSError, match="No space left"):
        durable.extend(path, lambda text: "x" * 10_000_000)
    # Then it is whole
    assert path.read_text() == "''\nby hand\n10\n"


def test_nothing_is_appended_through_a_link(tmp_path):
    (tmp_path / "log.md").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic link"):
        durable.extend(tmp_path / "log.md", lambda text: "x\n")
    assert not (tmp_path / "other").exists()
