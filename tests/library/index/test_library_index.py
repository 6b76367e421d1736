"""An index is true to the files of its library, whatever became of it: nothing that it says depends on its past."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.collected import alert
from harness.fakes import runbook_file
from harness.plugin_package import importable, register

from runner.library.index.library_index import LibraryIndex, opened, release
from runner.library.library import Library
from runner.library.links.links import links
from runner.library.search.search import search
from runner.library.snapshot import read
from runner.scheduling.entries import entries


@pytest.fixture
def library(tmp_path):
    root = tmp_path / "library"
    runbook_file(root, trigger={"alert": "MON-001"})
    runbook_file(root, id="RUN-002", title="Certificate", steps=[_script(), _tasks()])
    (root / "runbooks" / "renew.yml").write_text("- ansible.builtin.command: certbot renew\n")
    (root / "runbooks" / "check.sh").write_text("#!/bin/sh\nopenssl version\n")
    (root / "runbooks" / "registry").mkdir()
    (root / "runbooks" / "registry" / "a.yml").write_text(alert("MON-001", runbook="RUN-001"))
    return Library(root)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def _script():
    return {"id": "check", "name": "Check", "script": "check.sh", "verify": [{"exit": 0}]}


def _tasks():
    return {"id": "renew", "name": "Renew", "effect": "change", "tasks": "renew.yml", "verify": [{"command": "date"}]}


def says(library, cache):
    """Everything that is made of an index."""
    collection = read(replace(library, cache=cache))
    return (
        dict(collection.runbooks),
        dict(collection.references),
        (dict(collection.contacts), dict(collection.handles)),
        collection.faults,
        links(collection),
        search("certificate disk", collection),
    )


def index_files(cache):
    return [path for path in cache.iterdir() if path.suffix == ".sqlite"]


def test_what_is_kept_says_the_same_as_the_files(library, cache):
    assert says(library, cache) == says(library, cache) == says(library, None)
    assert [path.stat().st_mode & 0o777 for path in (cache, *index_files(cache))] == [0o700, 0o600]


def test_a_change_of_any_file_is_seen(library, cache):
    runbooks = library.root / "runbooks"
    before = says(library, cache)

    def change_of_the_same_size():
        path = runbooks / "RUN-001.yml"
        path.write_text(path.read_text().replace("Too little space", "Too little spade"))

    for change in (
        change_of_the_same_size,
        lambda: (runbooks / "check.sh").write_text("#!/bin/sh\ncurl localhost\n"),
        lambda: (runbooks / "check.sh").write_text("#!/bin/sh\ncurl localhost:81\n"),
        lambda: (runbooks / "renew.yml").write_text("- ansible.builtin.command: certbot certonly\n"),
        (runbooks / "check.sh").unlink,
        lambda: runbook_file(library.root, id="RUN-003", title="Third"),
        lambda: (runbooks / "RUN-002.yml").write_text("{"),
        (runbooks / "RUN-001.yml").unlink,
        lambda: (runbooks / "registry" / "a.yml").write_text(alert("MON-002")),
        lambda: (runbooks / "registry" / "b.yml").write_text(alert("MON-002") + "MON-003: {}\n"),
        lambda: (runbooks / "contacts.yml").write_text("on-call: {name: Ops, handle: '@ops'}\n"),
        lambda: (runbooks / "contacts.yml").write_text("on-call: {}\n"),
        (runbooks / "contacts.yml").unlink,
        (runbooks / "registry" / "a.yml").unlink,
    ):
        change()
        after = says(library, cache)
        assert after == says(library, None) != before
        before = after


def test_only_what_has_changed_is_read_again(library, cache):
    says(library, cache)
    (path,) = index_files(cache)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE file SET content = replace(content, 'Disk is full', 'As it was kept')")
    connection.close()
    runbook_file(library.root, id="RUN-002", title="Another title")

    titles = {name: each.title for name, each in read(replace(library, cache=cache)).runbooks.items()}
    assert titles == {"RUN-001": "As it was kept", "RUN-002": "Another title"}


@pytest.mark.parametrize("damage", [b"", b"no database", b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_index_is_made_anew(library, cache, damage):
    expected = says(library, cache)
    (path,) = index_files(cache)
    path.write_bytes(damage)

    assert says(library, cache) == says(library, cache) == expected


def test_an_index_that_is_damaged_within_is_done_without(library, cache):
    expected = says(library, cache)
    (path,) = index_files(cache)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(bytes(data))

    assert says(library, cache) == expected


def test_another_release_makes_its_own(library, cache):
    says(library, cache)
    (path,) = index_files(cache)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 1")
        connection.execute("UPDATE file SET content = 'null', faults = '[]'")
    connection.close()

    assert says(library, cache) == says(library, None)


def test_a_place_that_cannot_be_written_or_that_others_can_write_is_not_used(library, tmp_path):
    (tmp_path / "file").touch()
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    expected = says(library, None)

    for cache in (tmp_path / "file" / "cache", shared):
        assert says(library, cache) == expected
    assert list(shared.iterdir()) == []


def test_an_index_that_another_command_is_writing_is_not_waited_for_long(library, cache):
    says(library, cache)
    (path,) = index_files(cache)
    runbook_file(library.root, id="RUN-003", title="Third")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")

    kept, fresh = LibraryIndex(library, cache, patience=0.01), LibraryIndex(library, None)
    assert kept.columns("content", "mentions") == fresh.columns("content", "mentions")
    writer.close()


def test_words_are_found_by_their_beginning_and_passages_by_their_words(library):
    index = LibraryIndex(library, None)

    assert index.words("cert") == ["certificate"]
    assert {passage.source for passage in index.passages(["certificate"])} == {"RUN-002"}
    assert index.passages([]) == set()
    assert {passage.source for passage in index.passages()} == {"RUN-001", "RUN-002", "MON-001"}


def test_its_file_is_open_no_longer_than_it_is_used(library, cache):
    def files():
        """Those of the cache alone: other threads of this process open and close what they want meanwhile."""
        opened_files = map(os.path.realpath, Path("/proc/self/fd").iterdir())
        return [path for path in opened_files if path.startswith(os.path.realpath(cache))]

    assert entries(replace(library, cache=cache)) == []
    assert read(replace(library, cache=cache)).faults == ()

    assert ([*cache.iterdir()] != [], files()) == (True, [])


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
