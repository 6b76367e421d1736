"""A key that stands twice in a file of an inventory: both of its places, by Ansible's complaint or by our own look."""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from runner.core.deferred import regex
from runner.core.errors import ExecutionError

HINT = "write everything of that key in one place"
_COMPLAINT = regex(
    r"Found duplicate mapping key '?(?P<key>.+?)'?\.\s.*?Origin: (?P<file>.+?):(?P<line>\d+):\d+", re.DOTALL
)


def duplicate_key(diagnosis: str) -> str:
    """A sentence about the first key that `diagnosis` calls a duplicate; empty where it names none.

    It names the line on which the key stood before as well, where the file can still be read.
    """
    match = _COMPLAINT.search(diagnosis)
    if match is None:
        return ""
    path, line = Path(match["file"]), int(match["line"])
    try:
        mappings = _lines(path.read_text(encoding="utf-8"), match["key"])
    except (OSError, ValueError):
        mappings = []
    first = next((lines[0] for lines in mappings if line in lines and lines[0] != line), None)
    places = f"line {first} and again on line {line}" if first else f"line {line}, and before it"
    return _sentence(path, match["key"], places)


def check_json(inventories: Iterable[Path]) -> None:
    """That no key stands twice where Ansible reads JSON, of which it does not complain: it takes the last.

    It reads each file of an inventory, and the variables beside it, as JSON if it is any, whatever the file is called.

    Raises:
        ExecutionError: one does, or an inventory is not UTF-8: Ansible would find no host there.
    """
    given = tuple(inventories)
    for path in _read_as_data(given):
        try:
            text = path.read_text(encoding="utf-8")
            if text.lstrip()[:1] in {"{", "["}:
                json.loads(text, object_pairs_hook=_unique)
        except _TwiceError as twice:
            key = str(twice)
            lines = next((lines for lines in _lines(text, key) if len(lines) > 1), [])
            places = " and again on ".join(f"line {line}" for line in lines[:2]) or "two places of one object"
            raise ExecutionError(_sentence(path, key, places), hint=HINT) from None
        except UnicodeDecodeError as error:
            if path in given:
                line = error.object.count(b"\n", 0, error.start) + 1
                message = f"{path}:{line}: byte 0x{error.object[error.start]:02X} is not UTF-8, so no host is read"
                raise ExecutionError(message, hint="save it as UTF-8") from None
        except (OSError, ValueError, RecursionError):
            continue  # it is no JSON, and whoever reads it complains of what is wrong with it


def _read_as_data(inventories: Iterable[Path]) -> Iterator[Path]:
    """The files of inventories, and of variables beside them, that are no programs."""
    for path in inventories:
        beside = [] if path.is_dir() else [path.parent / name for name in ("group_vars", "host_vars")]
        for place in (path, *beside):
            files = sorted(place.rglob("*")) if place.is_dir() else [place]
            yield from (file for file in files if file.is_file() and not os.access(file, os.X_OK))


class _TwiceError(Exception):
    """A key, which stands twice in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise _TwiceError(key)
        mapping[key] = value
    return mapping


def _sentence(path: Path, key: str, places: str) -> str:
    return f"{path}: the key {key!r} stands on {places}; Ansible would take the last alone, and miss what the first has"


def _lines(text: str, key: str) -> list[list[int]]:
    """For each mapping of YAML, of which JSON is a part, the lines on which it has `key`."""
    import yaml  # noqa: PLC0415 - only whoever has such a key waits for it

    try:
        nodes = [yaml.compose(text, Loader=yaml.SafeLoader)]
    except (ValueError, yaml.YAMLError, RecursionError):
        return []
    mappings = []
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            mappings.append([name.start_mark.line + 1 for name, _ in node.value if name.value == key])
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return mappings
