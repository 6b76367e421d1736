"""The YAML that an exported page carries along: only what the page itself does not say."""

import json
from collections.abc import Mapping
from typing import Any

from runner.markdown.import_findings import Notes
from runner.markdown.page.page import Carried, fence
from runner.model.yaml.document import load
from runner.model.yaml.finding import InvalidFileError
from runner.model.yaml.yaml_writer import plain

_PROSE = frozenset({"why", "manual"})

WITHOUT = "without"
"""The key that names those keys which a page seems to say, and does not."""


def difference(visible: Mapping[str, Any], meant: Mapping[str, Any]) -> dict[str, Any]:
    """What must be carried, so that `merged(shown, difference)` is `meant`."""
    more = {key: value for key, value in meant.items() if key not in visible or not _same(visible[key], value, key)}
    less = [key for key in visible if key not in meant]
    return more | ({WITHOUT: less} if less else {})


def merged(visible: Mapping[str, Any], carried: Mapping[str, Any]) -> dict[str, Any]:
    """What is meant by what a page shows and carries."""
    less = carried.get(WITHOUT, [])
    visible_keys = {key: value for key, value in visible.items() if not isinstance(less, list) or key not in less}
    return visible_keys | {key: value for key, value in carried.items() if key != WITHOUT}


def write(carried: Mapping[str, Any], info: str) -> str:
    """The fence that holds it; empty when there is nothing to hold."""
    if not carried:
        return ""
    text = plain(dict(carried))
    marks = fence(text)
    return f"{marks}{info}\n{text}{marks}\n"


def read(carried: Carried, notes: Notes) -> dict[str, Any]:
    """What it holds; nothing, with a finding, where somebody has made it unreadable."""
    try:
        return dict(load(carried.text.encode(), file=notes.file).value)
    except InvalidFileError as error:
        first = error.findings[0]
        notes.fail(carried.line + first.line - 1, first.rule, first.message, first.hint)
        return {}


def _same(one: Any, other: Any, key: str) -> bool:
    """Whether they mean the same, and are of the same types: `1` is not `true`."""
    if key in _PROSE and isinstance(one, str) and isinstance(other, str):
        return one.strip() == other.strip()
    return json.dumps(one) == json.dumps(other)  # as text, in which types and the order of keys show
