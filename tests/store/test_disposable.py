"""A database that may be thrown away is there whatever stood in its place."""

from __future__ import annotations

import stat
from contextlib import closing

import pytest

from runner.store import disposable

SCHEMA = "CREATE TABLE things (name TEXT)"


def opened(path, schema=SCHEMA):
    return closing(disposable.open_database(path, schema))


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path):
    path = tmp_path / "index.sqlite"
    with opened(path) as database:
        database.execute("INSERT INTO things VALUES ('one')")

    with opened(path) as database:
        assert database.execute("SELECT name FROM things").fetchall() == [("one",)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"no database" * 500])
def test_what_is_no_database_or_has_another_schema_is_made_anew(tmp_path, content):
    path = tmp_path / "index.sqlite"
    path.write_bytes(content)
    with opened(path, "CREATE TABLE others (name TEXT)"):
        pass

    with opened(path) as database:
        assert database.execute("SELECT name FROM things").fetchall() == []


def test_where_none_can_be_made_it_is_in_memory(tmp_path):
    (tmp_path / "index.sqlite").mkdir()
    for path in (None, tmp_path / "index.sqlite", tmp_path / "nowhere" / "index.sqlite"):
        with opened(path) as database:
            database.execute("INSERT INTO things VALUES ('one')")

    assert [path.name for path in tmp_path.iterdir()] == ["index.sqlite"]


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_what_others_can_write_is_not_believed(tmp_path, mode):
    # Given a database that others may have written to
    path = tmp_path / "index.sqlite"
    with opened(path) as database:
        database.execute("INSERT INTO things VALUES ('one')")
    path.chmod(mode)
    # Then it is neither read nor replaced
    with opened(path) as database:
        assert database.execute("SELECT name FROM things").fetchall() == []
    path.chmod(0o600)
    with opened(path) as database:
        assert database.execute("SELECT name FROM things").fetchall() == [("one",)]


def test_none_is_made_where_others_can_write(tmp_path):
    tmp_path.chmod(0o777)

    opened(tmp_path / "index.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_one_that_another_command_writes_to_is_left_to_it(tmp_path):
    # Given a database that another command holds
    path = tmp_path / "index.sqlite"
    with opened(path) as database:
        database.execute("INSERT INTO things VALUES ('one')")
        database.execute("BEGIN EXCLUSIVE")
        # When this one does not wait for it
        with closing(disposable.open_database(path, SCHEMA, patience=0.01)) as other:
            assert other.execute("SELECT name FROM things").fetchall() == []
        database.execute("COMMIT")
    # Then nothing is lost
    with opened(path) as database:
        assert database.execute("SELECT name FROM things").fetchall() == [("one",)]


def test_removing_one_that_is_not_there_does_no_harm(tmp_path):
    disposable.remove(tmp_path / "index.sqlite")
