"""A small database that may be thrown away at any time: it only saves reading the files it was made from."""

import contextlib
import os
import sqlite3
from pathlib import Path

PATIENCE = 1.0  # seconds to wait for another command that writes to it
FAULTS = (sqlite3.Error, OSError)
"""What can go wrong with one; whoever uses it then does without."""


def open_database(path: Path | None, schema: str, *, patience: float = PATIENCE) -> sqlite3.Connection:
    """The database at `path`, made anew when it is missing, damaged or has another `schema`.

    One that has no path, cannot be made there, lies where others may write, or that another command writes to for more
    than the seconds of `patience`, is in memory, and holds nothing yet.
    """
    if path:
        with contextlib.suppress(*FAULTS):
            _refuse_what_others_write(path.parent.stat())
            return _existing(path, schema, patience) or _new(path, schema, patience)
    database = _connect(":memory:", patience)
    database.executescript(schema)
    return database


def remove(path: Path) -> None:
    """Throw the database at `path` away."""
    for each in (path.with_name(f"{path.name}-journal"), path):
        with contextlib.suppress(OSError):
            each.unlink()


def _refuse_what_others_write(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError("others can write there")


def _existing(path: Path, schema: str, patience: float) -> sqlite3.Connection | None:
    """The database at `path` if it can be used; None if it is to be made anew."""
    if path.is_symlink() or not path.is_file():
        return None
    _refuse_what_others_write(path.stat())
    database = _connect(str(path), patience)
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] == _version(schema):
            return database
    except sqlite3.OperationalError:  # another command holds it
        database.close()
        raise
    except sqlite3.DatabaseError:
        pass  # it is damaged
    database.close()
    return None


def _new(path: Path, schema: str, patience: float) -> sqlite3.Connection:
    remove(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    database = _connect(str(path), patience)
    database.executescript(f"BEGIN; {schema}; PRAGMA user_version = {_version(schema)}; COMMIT")
    return database


def _connect(name: str, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(name, timeout=patience, isolation_level=None)


def _version(schema: str) -> int:
    """A number that changes with the schema."""
    return int.from_bytes(schema.encode(), "big") % 2_147_483_629
