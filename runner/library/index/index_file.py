"""The SQLite file of an index: opened where it may be trusted, and emptied where another release has written it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import sys
from functools import cache
from itertools import chain
from pathlib import Path

import runner
from runner.kinds import plugins

_TABLES = """
CREATE TABLE about (made_by TEXT);
CREATE TABLE file (id INTEGER PRIMARY KEY, name TEXT UNIQUE, sha256 TEXT, beside TEXT, faults TEXT, content TEXT,
                   mentions TEXT, glosses TEXT);
CREATE VIRTUAL TABLE passage USING fts5 (source UNINDEXED, runbook UNINDEXED, place UNINDEXED, text UNINDEXED,
                                         weight UNINDEXED, words, tokenize = "ascii tokenchars '-'");
CREATE VIRTUAL TABLE vocabulary USING fts5vocab (passage, row);
"""
_MOST = 20
"""Libraries whose indexes are kept."""


def opened(path: Path, patience: float) -> sqlite3.Connection | None:
    """The index in the file at `path`, with its tables; None where it cannot be written, or others could write it.

    `patience` is how many seconds to wait for another command that writes it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make_room(path.parent)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
        if any(_is_others(each.stat()) for each in (path, path.parent)):
            return None
        return _with_tables(path, patience)
    except (OSError, sqlite3.OperationalError):  # among them: another command holds it for too long
        return None
    except sqlite3.DatabaseError:  # it is damaged
        with contextlib.suppress(OSError):
            path.unlink()
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
        return None


def _make_room(directory: Path) -> None:
    """Remove the indexes that were written longest ago: of libraries that are gone, most likely."""
    newest_first = sorted(directory.glob("*.sqlite"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in newest_first[_MOST - 1 :]:
        path.unlink(missing_ok=True)


def _is_others(status: os.stat_result) -> bool:
    return status.st_uid != os.geteuid() or bool(status.st_mode & 0o022)


def _with_tables(path: Path, patience: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=patience)
    if not _is_of_this_release(connection):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if not _is_of_this_release(connection):
                for table in ("vocabulary", "passage", "file", "about"):
                    connection.execute(f"DROP TABLE IF EXISTS {table}")
                create_tables(connection)
    return connection


def _is_of_this_release(connection: sqlite3.Connection) -> bool:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return "about" in tables and connection.execute("SELECT made_by FROM about").fetchone() == (release(),)


def create_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an index in an empty database."""
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)
    connection.execute("INSERT INTO about VALUES (?)", [release()])


@cache
def release() -> str:
    """What changes when the code does that reads runbooks, be it ours or that of a plug-in."""
    own = Path(runner.__file__).parent
    packages = [own / name for name in ("core", "kinds", "library", "model")]
    kinds = chain(plugins.steps().values(), plugins.verifications().values())
    modules = {Path(str(sys.modules[kind.__module__].__file__)) for kind in kinds}
    paths = sorted({*modules, *(path for package in packages for path in package.rglob("*.py"))})
    facts = [(str(path), status.st_mtime_ns, status.st_size) for path in paths for status in [path.stat()]]
    return hashlib.sha256(repr((runner.version(), sys.version, facts)).encode()).hexdigest()
