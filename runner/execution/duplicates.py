"""A key that stands twice in a YAML file of an inventory, as Ansible complains of it: both of its places."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

_COMPLAINT = re.compile(
    r"Found duplicate mapping key '?(?P<key>.+?)'?\.\s.*?Origin: (?P<file>.+?):(?P<line>\d+):\d+", re.DOTALL
)


def duplicate_key(diagnosis: str) -> str:
    """A sentence about the first key that `diagnosis` calls a duplicate; empty where it names none.

    It names the line on which the key stood before as well, where the file can still be read.
    """
    match = _COMPLAINT.search(diagnosis)
    if match is None:
        return ""
    key, path, line = match["key"], Path(match["file"]), int(match["line"])
    first = _before(path, key, line)
    places = f"line {first} and again on line {line}" if first else f"line {line}, and before it"
    return f"{path}: the key {key!r} stands on {places}; Ansible would take the last alone, and miss what the first has"


def _before(path: Path, key: str, line: int) -> int | None:
    """The line of the first `key` in the mapping that has it again on `line`."""
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            lines: list[int] = [name.start_mark.line + 1 for name, _ in node.value if name.value == key]
            if line in lines and lines[0] != line:
                return lines[0]
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    return None
