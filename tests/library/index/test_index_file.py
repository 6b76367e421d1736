"""The file of an index is opened only where it can be trusted, and belongs to one release."""

from __future__ import annotations

import os

import pytest

from runner.library.index.index_file import opened, release


def test_a_new_file_has_the_tables_and_says_who_made_it(tmp_path):
    connection = opened(tmp_path / "new" / "x.sqlite", 1.0)

    assert connection.execute("SELECT made_by FROM about").fetchall() == [(release(),)]
    assert connection.execute("SELECT count(*) FROM file, passage, vocabulary").fetchone() == (0,)
    connection.close()


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "other").touch()
    (tmp_path / "x.sqlite").symlink_to(tmp_path / "other")

    assert opened(tmp_path / "x.sqlite", 1.0) is None
    assert (tmp_path / "other").read_bytes() == b""


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_can_write_is_not_believed(tmp_path, mode):
    path = tmp_path / "x.sqlite"
    opened(path, 1.0).close()
    path.chmod(mode)

    assert opened(path, 1.0) is None


def test_only_the_indexes_of_some_libraries_are_kept(tmp_path):
    for number in range(25):
        opened(tmp_path / f"{number:02}.sqlite", 1.0).close()
        os.utime(tmp_path / f"{number:02}.sqlite", (number, number))

    assert sorted(path.name for path in tmp_path.glob("*.sqlite")) == [f"{number:02}.sqlite" for number in range(5, 25)]
