"""Small files are kept on the disk, or in memory where it takes none, and nobody else's are taken for ours."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from runner.core.errors import AuditError
from runner.store.small_files import SmallFiles


@pytest.fixture
def memory(tmp_path):
    place = tmp_path / "memory"
    place.mkdir()
    return place


@pytest.fixture
def files(small_disk, memory):
    return SmallFiles(small_disk / "outbox", memory)


def fill(disk):
    (disk / "filler").write_bytes(b"x" * 1_000_000)


def ours(memory):
    return memory / f"runbookctl-{os.geteuid()}"


def filled(disk):
    with pytest.raises(OSError, match="No space left"):
        fill(disk)


def test_what_a_full_disk_does_not_take_is_in_memory_until_it_does(files, small_disk, memory):
    files.write("one", "on the disk")
    filled(small_disk)
    files.write("one", "x" * 5000)
    files.write("two", "y" * 5000)

    assert (files.names(), files.read("one"), files.is_in_memory("two")) == (["one", "two"], b"x" * 5000, True)
    assert stat.S_IMODE(ours(memory).stat().st_mode) == 0o700
    (small_disk / "filler").unlink()
    files.write("one", "again")
    files.remove("two")

    assert (files.names(), files.read("one"), files.is_in_memory("one")) == (["one"], b"again", False)
    assert list(ours(memory).iterdir()) == []


def test_two_directories_have_each_their_own_in_memory(files, small_disk, memory):
    small_disk.joinpath("outbox").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    files.write("one", "mine")

    assert (SmallFiles(small_disk / "incidents", memory).names(), files.names()) == ([], ["one"])


@pytest.mark.parametrize("theirs", [lambda place: place.mkdir(mode=0o755), lambda place: place.symlink_to("/tmp")])
def test_what_others_could_read_or_have_made_is_not_used(files, small_disk, memory, theirs):
    theirs(ours(memory))
    filled(small_disk)

    with pytest.raises(AuditError, match="No space left"):
        files.write("one", "secret" * 5000)
    assert files.names() == []


def test_what_is_in_the_way_is_to_be_mended_and_not_gone_round(tmp_path, memory):
    (tmp_path / "outbox").write_text("in the way")

    with pytest.raises(AuditError):
        SmallFiles(tmp_path / "outbox", memory).write("one", "text")
    assert list(memory.iterdir()) == []
