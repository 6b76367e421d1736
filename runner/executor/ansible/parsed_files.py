"""Ansible's own large files of YAML, read by one run for all: what they hold is kept, and found by their text.

Each time it is imported Ansible reads half a megabyte of YAML, its settings and where its plugins went, which takes a
sixth of that time. What is kept is plain JSON, may be thrown away at any time, and counts only for the very same text.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from runner.store import disposable

_NAME = "ansible-files.db"
_SCHEMA = "CREATE TABLE parsed (text TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID"
_LARGE = 32 * 1024
"""The bytes from which on a text takes longer to be read than to be looked up."""
_PLAIN = frozenset({"BaseLoader", "CBaseLoader", "SafeLoader", "CSafeLoader"})
"""The loaders of PyYAML that make nothing but plain values; Ansible's own make others of the same text."""


@contextmanager
def remembered(cache: Path | None) -> Iterator[None]:
    """While the block lasts `yaml.load` finds in the directory `cache` what somebody has read of a large text.

    What it has to read itself it keeps there. Without a directory, or with one that others can write to, it keeps
    nothing for the next.
    """
    stock = yaml.load
    if cache:
        with suppress(OSError):
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(disposable.open_database(cache / _NAME if cache else None, _SCHEMA)) as database:
        reading = _Reading(database)
        yaml.load = reading.load
        try:
            yield
        finally:
            yaml.load, reading.database = stock, None  # whoever has taken it meanwhile reads by it all the same


class _Reading:
    """What takes the place of `yaml.load`; without a `database` it does the same."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database: sqlite3.Connection | None = database
        self._stock = yaml.load

    def load(self, stream: Any, Loader: Any) -> Any:  # noqa: N803 - as PyYAML has it
        """The value of the document in `stream`."""
        if self.database is None or getattr(Loader, "__name__", "") not in _PLAIN:
            return self._stock(stream, Loader)
        text = stream.read() if hasattr(stream, "read") else stream
        if not isinstance(text, bytes) or len(text) < _LARGE:
            return self._stock(text, Loader)
        key = f"{yaml.__version__} {Loader.__name__} {hashlib.sha256(text).hexdigest()}"
        with suppress(*disposable.FAULTS, TypeError, ValueError):
            for (value,) in self.database.execute("SELECT value FROM parsed WHERE text = ?", [key]):
                return json.loads(value)
        found = self._stock(text, Loader)
        self._keep(self.database, key, found)
        return found

    def _keep(self, database: sqlite3.Connection, key: str, found: Any) -> None:
        with suppress(*disposable.FAULTS, TypeError, ValueError):
            value = json.dumps(found)
            if _is_same(json.loads(value), found):
                database.execute("INSERT OR REPLACE INTO parsed VALUES (?, ?)", [key, value])


def _is_same(one: Any, other: Any) -> bool:
    """Whether both are made of the same values, of the same types, in the same order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return _is_same([*one.items()], [*other.items()])
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other)
