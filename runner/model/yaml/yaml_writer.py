"""A runbook as YAML text that people like to read, and that is read back as the very same values."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from runner.model.yaml.composer import is_text

_WIDTH = 116
_SPACED = frozenset({"inputs", "prerequisites", "steps", "on_cancel", "escalation", "follow_up", "drill"})
"""The keys before which a line is left empty."""


class _DocumentDumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and quotes whatever our own reader would not take for text."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Lists below a key stand further in than the key."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _text(dumper: _DocumentDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text and not re.search(r"[ \t]\n|\t|[ \t]\Z|\A[ \n]|\n\n\Z", text):
        style = "|"
    elif not is_text(text):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_DocumentDumper.add_representer(str, _text)


def write(value: Mapping[str, Any], *, comments: Iterable[str] = ()) -> str:
    """`value` as a YAML document, below its `comments`."""
    head = "".join(f"# {line}".rstrip() + "\n" for text in comments for line in text.splitlines() or [""])
    return head + "".join(("\n" * (key in _SPACED)) + plain({key: item}) for key, item in value.items())


def plain(value: Any) -> str:
    """`value` alone."""
    return yaml.dump(value, Dumper=_DocumentDumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
