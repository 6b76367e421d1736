"""An index is true to the files of its library, whatever became of it: nothing that it says depends on its past."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest
from harness.collected import alert
from harness.fakes import runbook_file

from runner.library.index.library_index import LibraryIndex
from runner.library.library import Library
from runner.library.links.links import links
from runner.library.search.search import search
from runner.library.snapshot import read


@pytest.fixture
def library(tmp_path):
    root = tmp_path / "library"
    runbook_file(root, trigger={"alert": "MON-001"})
    runbook_file(root, id="RUN-002", title="Certificate", steps=[_script()])
    (root / "runbooks" / "check.sh").write_text("#!/bin/sh\nopenssl version\n")
    (root / "runbooks" / "registry").mkdir()
    (root / "runbooks" / "registry" / "a.yml").write_text(alert("MON-001", runbook="RUN-001"))
    return Library(root)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def _script():
    return {"id": "check", "name": "Check", "script": "check.sh", "verify": [{"exit": 0}]}


def says(library, cache):
    """Everything that is made of an index."""
    collection = read(replace(library, cache=cache))
    return (
        dict(collection.runbooks),
        {name: each.entry for name, each in collection.references.items()},
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
        (runbooks / "check.sh").unlink,
        lambda: runbook_file(library.root, id="RUN-003", title="Third"),
        lambda: (runbooks / "RUN-002.yml").write_text("{"),
        (runbooks / "RUN-001.yml").unlink,
        lambda: (runbooks / "registry" / "a.yml").write_text(alert("MON-002")),
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
