"""The SQLite file of an index: one for each library, made anew where another release has written it."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import sys
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import runner
from runner.store import disposable

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
    for package in ("core", "kinds", "library", "model"):
        yield from sorted((own / package).rglob("*.py"))


def _code_of_plugins(own: Path) -> Iterator[Path]:
    from runner.kinds import plugins  # noqa: PLC0415 - it imports all kinds, which whoever has no plug-in does not wait for

    kinds = chain(plugins.steps().values(), plugins.verifications().values())
    modules = {Path(str(sys.modules[kind.__module__].__file__)) for kind in kinds}
    yield from sorted(path for path in modules if own not in path.parents)
