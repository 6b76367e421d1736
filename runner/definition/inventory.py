"""The names of the variables that inventories set, as far as their files say it in plain YAML or INI."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner.definition.yaml import MAX_BYTES, InvalidFileError, load

_VARIABLES = frozenset({"group_vars", "host_vars"})
_INI = re.compile(r"(?:^|\s)([A-Za-z_][A-Za-z0-9_]*)\s*=")


def variables(path: Path) -> frozenset[str]:
    """Every variable that a file in or below `path` sets for a host or a group; what can not be read sets none."""
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return frozenset(name for file in files for name in _names(file))


def _names(path: Path) -> Iterator[str]:
    if path.stat().st_size > MAX_BYTES:
        return
    data = path.read_bytes()
    if path.suffix in {".yml", ".yaml", ".json"} or _VARIABLES & set(path.parts):
        try:
            value = load(data, file=path.name).value
        except InvalidFileError:
            return
        yield from value if _VARIABLES & set(path.parts) else _of_groups(value)
    elif path.suffix in {"", ".ini", ".cfg"} and not data.startswith(b"#!"):
        yield from _INI.findall(data.decode("utf-8", "replace"))


def _of_groups(groups: Any) -> Iterator[str]:
    for group in groups.values() if isinstance(groups, dict) else ():
        if isinstance(group, dict):
            yield from group.get("vars") or ()
            for host in (group.get("hosts") or {}).values() if isinstance(group.get("hosts"), dict) else ():
                yield from host or ()
            yield from _of_groups(group.get("children"))
