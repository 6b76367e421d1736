"""A lock on a directory goes with its holder, and only a directory has one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from runner.lab.directory_locks import lock

NOW = fcntl.LOCK_EX | fcntl.LOCK_NB


def test_it_is_held_until_it_is_closed(tmp_path):
    held = lock(tmp_path, fcntl.LOCK_EX)
    with pytest.raises(BlockingIOError):
        lock(tmp_path, NOW)
    os.close(held)

    os.close(lock(tmp_path, NOW))


def test_nothing_stays_open_where_it_is_refused(tmp_path):
    held = lock(tmp_path, fcntl.LOCK_EX)
    before = list(Path("/proc/self/fd").iterdir())
    with pytest.raises(BlockingIOError):
        lock(tmp_path, NOW)

    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)
    os.close(held)


def test_neither_a_file_nor_a_link_is_locked(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)

    for name in ("file", "link", "absent"):
        with pytest.raises(OSError, match=name):
            lock(tmp_path / name, NOW)
