"""A small database that may be thrown away at any time: it only saves reading the files it was made from."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

_PATIENCE = 1.0  # seconds to wait for another command that writes to it
FAULTS = (sqlite3.Error, OSError)
"""What can go wrong with one; whoever uses it then does without."""


def open_database(path: Path | None, schema: str) -> sqlite3.Connection:
    """The database at `path`, made anew when it is missing, damaged or has another `schema`.

    One that has no path, or cannot be made there, is in memory, and holds nothing yet.
    """
    if path:
        for attempt in (_existing, _new):
            with contextlib.suppress(*FAULTS):
                return attempt(path, schema)
    database = _connect(":memory:")
    database.executescript(schema)
    return database


def remove(path: Path) -> None:
    """Throw the database at `path` away."""
    for each in (path.with_name(f"{path.name}-journal"), path):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)


def _existing(path: Path, schema: str) -> sqlite3.Connection:
    if path.is_symlink() or not path.is_file():
        raise FileNotFoundError(path)
    database = _connect(str(path))
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] != _version(schema):
            raise sqlite3.DatabaseError("another schema")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _new(path: Path, schema: str) -> sqlite3.Connection:
    remove(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    database = _connect(str(path))
    database.executescript(f"BEGIN; {schema}; PRAGMA user_version = {_version(schema)}; COMMIT")
    return database


def _connect(name: str) -> sqlite3.Connection:
    return sqlite3.connect(name, timeout=_PATIENCE, isolation_level=None)


def _version(schema: str) -> int:
    """A number that changes with the schema."""
    return int.from_bytes(schema.encode(), "big") % 2_147_483_629
