"""Ansible's own YAML, read by one run for all: what it holds is kept, and found by its text.

Each time it is imported Ansible reads a megabyte of YAML, its settings, where its plugins went, and the documentation
of each plugin, which has its options. That takes a third of the time. What is kept is plain JSON, may be thrown away at
any time, and counts only for the very same text.
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
_ANSIBLES = "AnsibleLoader"
"""Its own, by which it reads documentation: a value knows where it stands, and whether it may be a template."""


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
            reading.keep()
            yaml.load, reading.database = stock, None  # whoever has taken it meanwhile reads by it all the same


class _Reading:
    """What takes the place of `yaml.load`; without a `database` it does the same."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database: sqlite3.Connection | None = database
        self._stock, self._new = yaml.load, dict[str, str]()

    def load(self, stream: Any, Loader: Any) -> Any:  # noqa: N803 - as PyYAML has it
        """The value of the document in `stream`."""
        name = getattr(Loader, "__name__", "")
        if self.database is None or name not in {*_PLAIN, _ANSIBLES}:
            return self._stock(stream, Loader)
        text = stream.read() if hasattr(stream, "read") else stream
        fits = isinstance(text, str) if name == _ANSIBLES else isinstance(text, bytes) and len(text) >= _LARGE
        return self._value(self.database, text, Loader) if fits else self._stock(text, Loader)

    def _value(self, database: sqlite3.Connection, text: str | bytes, loader: Any) -> Any:
        encoded = text.encode() if isinstance(text, str) else text
        key = f"{yaml.__version__} {loader.__name__} {hashlib.sha256(encoded).hexdigest()}"
        with suppress(*disposable.FAULTS, TypeError, ValueError):
            for (value,) in database.execute("SELECT value FROM parsed WHERE text = ?", [key]):
                return _tagged(json.loads(value), text) if isinstance(text, str) else json.loads(value)
        found = self._stock(text, loader)
        plain = _plain(found) if isinstance(text, str) else found
        with suppress(TypeError, ValueError):
            value = json.dumps(plain)
            if _is_same(json.loads(value), plain):
                self._new[key] = value
        return found

    def keep(self) -> None:
        """Keep what was read for the next, all at once."""
        if self.database is not None and self._new:
            with suppress(*disposable.FAULTS), self.database:
                self.database.execute("BEGIN")
                self.database.executemany("INSERT OR REPLACE INTO parsed VALUES (?, ?)", self._new.items())


def _plain(value: Any) -> Any:
    """What Ansible's loader has made, without what it knows of each value."""
    from ansible.module_utils._internal._datatag import AnsibleTagHelper  # noqa: PLC0415 - it is being imported

    native = AnsibleTagHelper.as_native_type(value)
    if isinstance(native, dict):
        return {_plain(key): _plain(each) for key, each in native.items()}
    return [*map(_plain, native)] if isinstance(native, list) else native


def _tagged(value: Any, text: str) -> Any:
    """`value`, in which each text that may be a template knows what the whole `text` does: it is one to be trusted."""
    from ansible.module_utils._internal._datatag import AnsibleTagHelper  # noqa: PLC0415 - as above

    if isinstance(value, dict):
        return {key: _tagged(each, text) for key, each in value.items()}
    if isinstance(value, list):
        return [_tagged(each, text) for each in value]
    return AnsibleTagHelper.tag_copy(text, value) if isinstance(value, str) and "{" in value else value


def _is_same(one: Any, other: Any) -> bool:
    """Whether both are made of the same values, of the same types, in the same order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return _is_same([*one.items()], [*other.items()])
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other)
