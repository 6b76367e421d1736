"""runbookctl: a runbook is written, compiled and done, recorded, and if it fails someone is called."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # its reader takes longer to import, and to read all metadata, than many a command takes
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

_GROUPS = b"runbookctl."
"""How the groups begin in which packages register what they add."""


def version() -> str:
    """The version of the installed distribution, by the name of its metadata."""
    found = (each for place in sys.path for each in Path(place).glob("runbookctl-*.dist-info"))
    name = next((each.name for each in found), "")
    return name.removeprefix("runbookctl-").removesuffix(".dist-info") or "0+unknown"  # a tree that was never installed


def registered(group: str) -> tuple[EntryPoint, ...]:
    """What packages register in the `group` of entry points; nothing of theirs is imported."""
    return tuple(_entry_points().select(group=group)) if has_plugins() else ()


@cache
def has_plugins() -> bool:
    """Whether another package registers something: our name is looked for where it would be written."""
    places = [Path(each) for each in sys.path]
    archives = any(place.is_file() for place in places)  # what is in one is left to who can read it
    return archives or any(_GROUPS in text for place in places for text in _written(place))


def _written(place: Path) -> Iterator[bytes]:
    """What the packages in the directory `place` register, as it is written."""
    for path in place.glob("*-info/entry_points.txt"):
        try:
            yield path.read_bytes()
        except OSError:  # what cannot be read registers nothing
            continue


@cache
def _entry_points() -> Any:
    """What packages register in any group, looked up once: that reads the metadata of every package there is."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - as said

    return entry_points()  # its type has another name in Python 3.12
