"""The index of a library: a SQLite file that can be thrown away, made of the library's files and true to them.

A row belongs to the SHA-256 of the text that it was made of, so a file that has changed is always read again. An index
that is missing, damaged or of another release is made anew, in memory where it cannot be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import runner
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited
from runner.library.library import Library
from runner.library.registry.registry_files import DIRECTORY, registry_files
from runner.library.root import digest, shown
from runner.model.yaml.finding import Finding
from runner.model.yaml.yaml_file import MAX_BYTES, unusable
from runner.store import disposable

if TYPE_CHECKING:  # all that reads a file is imported for one that has changed
    from runner.library.search.passages import Passage

CONTACTS = "contacts.yml"
_PER_FILE = 100_000
"""The rows of `passage` that are kept for a file: more than a file can have values."""
_WORDS_AT_A_TIME = 100


class _File(NamedTuple):
    """A file that is indexed: its name below `runbooks/`, its path, its bytes and SHA-256, or why it cannot be read."""

    name: str
    path: Path
    data: bytes = b""
    sha256: str = ""
    faults: Sequence[Finding] = ()


class LibraryIndex:
    """What the files of one library say, as they were when it was opened."""

    def __init__(self, library: Library, cache: Path | None, *, patience: float = 5.0) -> None:
        """Open the index of `library` in the directory `cache`; in memory where that is None or cannot be used.

        It is waited for another command that writes it for so many seconds of `patience`.
        """
        self._library = library
        self._files = {file.name: file for file in _files(library.root / "runbooks", library.ids())}
        name = f"{hashlib.sha256(os.fsencode(library.root.resolve())).hexdigest()[:16]}.sqlite"
        self._connection = opened(cache / name if cache else None, patience)
        try:
            self._refresh()
        except sqlite3.Error:
            self._connection = opened(None)
            self._refresh()

    def __del__(self) -> None:
        """Close its file at once: a connection refers to itself, so it would stay open until garbage is collected."""
        if "_connection" in vars(self):  # it is not there where the files could not be listed
            self._connection.close()

    def columns(self, *names: str) -> Sequence[tuple[str, ...]]:
        """The name of each file, in order, and the JSON that it has in the columns `names`."""
        return self._select(f"SELECT {', '.join(('name', *names))} FROM file ORDER BY name")  # noqa: S608 - names of ours

    def passages(self, wanted: Iterable[str] | None = None) -> set[Passage]:
        """The passages that hold one of the `wanted` words; all of them where None is given."""
        from runner.library.search.passages import Passage  # noqa: PLC0415 - as said

        query = "SELECT rowid, source, runbook, place, text, weight, words FROM passage"
        if wanted is None:
            rows = self._select(query)
        else:
            terms = sorted(f'"{word}"' for word in wanted)
            parts = [" OR ".join(terms[at : at + _WORDS_AT_A_TIME]) for at in range(0, len(terms), _WORDS_AT_A_TIME)]
            rows = [row for part in parts for row in self._select(f"{query} WHERE passage MATCH ?", part)]
        return {Passage._make([*row[1:6], frozenset(row[6].split()), row[0]]) for row in rows}

    def words(self, beginning: str = "") -> list[str]:
        """The words of passages that begin so."""
        query = "SELECT term FROM vocabulary WHERE term >= ? AND term < ?"
        return [term for (term,) in self._select(query, beginning, f"{beginning}\U0010ffff")]

    def _select(self, query: str, *values: str) -> Sequence[tuple[Any, ...]]:
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError:  # the file is damaged
            self._connection = opened(None)
            self._refresh()
            return self._connection.execute(query, values).fetchall()

    def _refresh(self) -> None:
        current = self._current()
        if current.keys() == self._files.keys() and not self._surplus(current):
            return
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for number in self._surplus(self._current()):
                self._connection.execute("DELETE FROM file WHERE id = ?", [number])
                rows = (number * _PER_FILE, (number + 1) * _PER_FILE - 1)
                self._connection.execute("DELETE FROM passage WHERE rowid BETWEEN ? AND ?", rows)
            for name in self._files.keys() - self._current().keys():
                self._add(self._files[name])

    def _current(self) -> Mapping[str, int]:
        """The number of each row that is true to its file, by the file's name."""
        rows = self._connection.execute("SELECT name, id, sha256, beside FROM file")
        return {name: number for name, number, *digests in rows if self._is_current(name, *digests)}

    def _surplus(self, current: Mapping[str, int]) -> set[int]:
        """The numbers of the other rows."""
        rows = {number for (number,) in self._connection.execute("SELECT id FROM file")}
        return rows - set(current.values())

    def _is_current(self, name: str, sha256: str, beside: str) -> bool:
        file = self._files.get(name)
        if file is None or not file.sha256 or file.sha256 != sha256:
            return False
        return all(digest(file.path.parent / other) == known for other, known in json.loads(beside).items())

    def _add(self, file: _File) -> None:
        from runner.library.index import indexed_file  # noqa: PLC0415 - as said

        made = indexed_file.index_faults(file.faults) if file.faults else indexed_file.index(file.path, file.data)
        columns = (made.beside, made.faults, made.content, made.mentions, made.glosses, made.schedules)
        number = self._connection.execute(
            "INSERT INTO file (name, sha256, beside, faults, content, mentions, glosses, schedules)"
            " VALUES (?,?,?,?,?,?,?,?)",
            (file.name, file.sha256, *map(json.dumps, columns)),
        ).lastrowid
        self._connection.executemany(
            "INSERT INTO passage (rowid, source, runbook, place, text, weight, words) VALUES (?,?,?,?,?,?,?)",
            (
                (int(number or 0) * _PER_FILE + n, *each[:5], " ".join(sorted(each.words)))
                for n, each in enumerate(made.passages)
            ),
        )


def _files(directory: Path, ids: Iterable[str]) -> Iterator[_File]:
    entries, _ = registry_files(directory / DIRECTORY)
    found = {f"{name}.yml": directory / f"{name}.yml" for name in ids}
    found |= {f"{DIRECTORY}/{path.name}": path for path in entries}
    if os.path.lexists(directory / CONTACTS):
        found[CONTACTS] = directory / CONTACTS
    for name, path in found.items():
        try:
            data = read_limited(path, MAX_BYTES)
        except InvalidInputError as error:
            yield _File(name, path, faults=[unusable(shown(path), error.message, error.hint)])
        else:
            yield _File(name, path, data, hashlib.sha256(data).hexdigest())


_TABLES = """
CREATE TABLE file (id INTEGER PRIMARY KEY, name TEXT UNIQUE, sha256 TEXT, beside TEXT, faults TEXT, content TEXT,
                   mentions TEXT, glosses TEXT, schedules TEXT);
CREATE VIRTUAL TABLE passage USING fts5 (source UNINDEXED, runbook UNINDEXED, place UNINDEXED, text UNINDEXED,
                                         weight UNINDEXED, words, tokenize = "ascii tokenchars '-'");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (passage, row)
"""
_MOST = 20
"""Libraries whose indexes are kept."""


def opened(path: Path | None, patience: float = disposable.PATIENCE, *, made_by: str = "") -> sqlite3.Connection:
    """The index in the file at `path`, with its tables; an empty one in memory where that cannot be used.

    `patience` is how many seconds to wait for another command that writes it, and `made_by` the release that it belongs
    to: this one where none is given.
    """
    if path:
        with contextlib.suppress(OSError):  # where it cannot be written, it is in memory
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                _make_room(path.parent)
    return disposable.open_database(path, f"-- made by {made_by or release()}\n{_TABLES}", patience=patience)


def _make_room(directory: Path) -> None:
    """Remove the indexes that were written longest ago: of libraries that are gone, most likely."""
    newest_first = sorted(directory.glob("*.sqlite"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in newest_first[_MOST - 1 :]:
        path.unlink(missing_ok=True)


@cache
def release() -> str:
    """What changes when the code does that reads runbooks, be it ours or that of a plug-in."""
    facts = [(str(path), status.st_mtime_ns, status.st_size) for path in _code() for status in [path.stat()]]
    return hashlib.sha256(repr((sys.version, facts)).encode()).hexdigest()


def _code() -> Iterator[Path]:
    """The files of that code; of an installed distribution the list of its files, which each installation writes."""
    own = Path(runner.__file__).parent
    if runner.has_plugins():
        yield from _code_of_plugins(own)
    if installed := sorted(own.parent.glob("runbookctl-*.dist-info/RECORD")):
        yield from installed
        return
    for package in ("channels", "core", "kinds", "library", "model"):
        yield from sorted((own / package).rglob("*.py"))


def _code_of_plugins(own: Path) -> Iterator[Path]:
    from runner.kinds import plugins  # noqa: PLC0415 - it imports all kinds, which whoever has no plug-in does not wait for

    kinds = chain(*(group().values() for group in (plugins.steps, plugins.verifications, plugins.channels)))
    modules = {Path(str(sys.modules[kind.__module__].__file__)) for kind in kinds}
    yield from sorted(path for path in modules if own not in path.parents)
