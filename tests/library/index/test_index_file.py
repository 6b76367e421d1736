"""The file of an index is opened only where it can be trusted, and belongs to one release."""

from __future__ import annotations

import os
from contextlib import closing

from harness.plugin_package import importable, register

from runner.library.index.index_file import opened, release

STEP = "from runner.kinds.steps.base import StepKind\n\n\nclass AcmeStep(StepKind):\n    key = 'acme'\n    acme: str\n"


def is_kept(path):
    with closing(opened(path)) as database:
        return database.execute("PRAGMA database_list").fetchone()[2] == str(path)


def test_a_new_file_has_the_tables(tmp_path):
    path = tmp_path / "new" / "x.sqlite"

    with closing(opened(path)) as database:
        assert database.execute("SELECT count(*) FROM file, passage, vocabulary").fetchone() == (0,)
    assert is_kept(path)


def test_what_another_release_has_written_is_not_read(tmp_path):
    # Given an index that this release has written
    path = tmp_path / "x.sqlite"
    with closing(opened(path)) as database:
        database.execute("INSERT INTO file (name) VALUES ('RUN-001.yml')")
    with closing(opened(path)) as database:
        assert database.execute("SELECT name FROM file").fetchall() == [("RUN-001.yml",)]
    # When another one opens it
    with closing(opened(path, made_by="another")) as database:
        # Then it is made anew
        assert database.execute("SELECT name FROM file").fetchall() == []


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "other").touch()
    (tmp_path / "x.sqlite").symlink_to(tmp_path / "other")

    opened(tmp_path / "x.sqlite").close()
    assert (tmp_path / "other").read_bytes() == b""


def test_where_there_is_no_directory_to_be_made_it_is_in_memory(tmp_path):
    (tmp_path / "file").touch()

    assert not is_kept(tmp_path / "file" / "x.sqlite")


def test_only_the_indexes_of_some_libraries_are_kept(tmp_path):
    for number in range(25):
        opened(tmp_path / f"{number:02}.sqlite").close()
        os.utime(tmp_path / f"{number:02}.sqlite", (number, number))

    assert sorted(path.name for path in tmp_path.glob("*.sqlite")) == [f"{number:02}.sqlite" for number in range(5, 25)]


def release_now():
    release.cache_clear()
    return release()


def test_a_plugin_belongs_to_the_release_and_so_does_a_change_of_its_code(tmp_path):
    # Given no package that registers a kind
    before = release_now()
    # When one is installed, and then its code is changed
    register(tmp_path, "acme-kinds", steps={"acme": "acme_step:AcmeStep"})
    (tmp_path / "acme_step.py").write_text(STEP)
    with importable(tmp_path):
        installed = release_now()
        (tmp_path / "acme_step.py").write_text(STEP + "# changed\n")
        changed = release_now()
    # Then each of the three is another release
    assert len({before, installed, changed}) == 3
    assert release_now() == before
