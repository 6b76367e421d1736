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
