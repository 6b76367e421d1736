"""What completion needs to know of files, read leniently and quickly: nothing is checked, and no fault is told.

The models that check a runbook take longer to import than a person waits for the Tab key.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.core.deferred import regex
from runner.core.errors import InvalidInputError
from runner.core.limited_file import read_limited

_LARGEST = 256 * 1024
_TITLE = regex(r"^title: *(.*)$", re.MULTILINE)
_ENTRY = regex(r"^([A-Z]{2,8}-[0-9]{3,6}):(?:\s*\n)?(?:.*?\btitle: *([^\n,}]*))?", re.MULTILINE)
_CONTACT = regex(r"^([a-z0-9][a-z0-9-]*):(?:\s*\n)?(?:.*?\bname: *([^\n,}]*))?", re.MULTILINE)
_RUNBOOK = regex(r"RUN-[0-9]{3,6}")
_RUN = regex(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


def titles(root: Path) -> Mapping[str, str]:
    """The title of each runbook in the library at `root`, by its id."""
    paths = sorted((root / "runbooks").glob("RUN-*.yml"))
    found = {path.stem: _TITLE.search(_text(path)) for path in paths if _RUNBOOK.fullmatch(path.stem)}
    return {name: _bare(match[1]) if match else "" for name, match in found.items()}


def entries(root: Path) -> Mapping[str, str]:
    """The title of each entry in the registry of the library at `root`, by its id."""
    paths = sorted((root / "runbooks" / "registry").glob("*.yml"))
    return {name: title for path in paths for name, title in _titled(path, _ENTRY).items()}


def contacts(root: Path) -> Mapping[str, str]:
    """The name of each contact in the library at `root`, by its word."""
    return _titled(root / "runbooks" / "contacts.yml", _CONTACT)


def runbook(path: Path) -> Mapping[str, Any]:
    """What the file at `path` says; nothing when it is no YAML mapping."""
    from runner.model.yaml.lenient_yaml import plain  # noqa: PLC0415 - what completes an id does not wait for it

    value = plain(_text(path))
    return value if isinstance(value, dict) else {}


def steps(written: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of the runbook that says `written`."""
    found = written.get("steps")
    return [step for step in found if isinstance(step, dict) and "id" in step] if isinstance(found, list) else []


def runs(state: Path) -> Mapping[str, Mapping[str, Any]]:
    """What is known of each run in the state directory, newest first, by its id."""
    paths = sorted((state / "runs").glob("*/run.json"), reverse=True)
    return {path.parent.name: _json(path) for path in paths if _RUN.fullmatch(path.parent.name)}


def _titled(path: Path, pattern: re.Pattern[str]) -> Mapping[str, str]:
    """Each key of the file at `path` that the `pattern` finds, and how it is called there."""
    return {match[1]: _bare(match[2] or "") for match in pattern.finditer(_text(path))}


def _text(path: Path) -> str:
    try:
        return read_limited(path, _LARGEST).decode(errors="replace")
    except InvalidInputError:
        return ""


def _json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(_text(path))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _bare(text: str) -> str:
    return text.partition(" #")[0].strip().strip("'\"")
