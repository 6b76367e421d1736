"""What the columns of a Markdown table are called, and what a cell of one means to the registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from runner.core.deferred import regex

_COLUMNS = {
    "title": (
        *("title", "name", "alert", "risk", "description", "what", "criterion", "criteria", "scenario", "technology"),
        *("decision", "endpoint", "journey", "flow", "metric", "component", "meaning"),
    ),
    "owner": ("owner", "team", "responsible"),
    "severity": ("severity", "priority", "alert type", "type"),
    "level": ("level", "risk level", "rating", "impact"),
    "condition": ("condition", "threshold", "trigger", "fires when", "when"),
    "alertname": ("alertname", "alert name", "rule"),
    "symptoms": ("symptoms", "symptom", "error", "errors"),
    "commands": ("commands", "command", "tools", "programs"),
    "runbook": ("runbook", "runbooks", "run-", "response", "procedure", "response runbook"),
    "rollback": ("rollback", "rollback trigger", "rollback when", "rollback condition"),
    "category": ("category",),
    "page": ("page", "documentation", "reference", "docs"),
    "note": ("note", "notes", "comment", "details", "mitigation"),
    "links": ("links", "linked ids", "related", "see"),
}
KEYS: Mapping[str, str] = MappingProxyType({title: key for key, titles in _COLUMNS.items() for title in titles})
"""The key of an entry by the titles, in small letters, that a column for it may have."""

_NOTHING = frozenset({"", "-", "\u2013", "\u2014", "n/a", "none", "tbd", "?"})
_SEVERITY = regex(r"(?:P|SEV|S)[- ]?([0-3])", re.IGNORECASE)
_LEVELS = {"med": "medium", "hi": "high", "lo": "low"}


def value(key: str, cell: str) -> Any:
    """What `cell` says under `key`; None where it says nothing. What makes no sense is left for the model to tell."""
    if cell.casefold() in _NOTHING:
        return None
    return _READERS.get(key, str)(cell)


def _severity(cell: str) -> str:
    """Either scale; SEV1 is P1."""
    match = _SEVERITY.fullmatch(cell)
    return f"P{match[1]}" if match else cell.casefold()


def _several(cell: str) -> list[str]:
    return [item.strip() for item in re.split(r"[,;]", cell) if item.strip()]


def _ids(cell: str) -> list[str]:
    return re.findall(r"[A-Z]{2,8}-[0-9]{3,6}", cell)


_READERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "owner": lambda cell: re.sub(r"[\s_]+", "-", cell.casefold()),
        "severity": _severity,
        "level": lambda cell: _LEVELS.get(cell.casefold(), cell.casefold()),
        "category": str.casefold,
        "runbook": lambda cell: next(iter(re.findall(r"RUN-[0-9]+", cell)), cell),
        "page": lambda cell: cell.rpartition(" ")[2] if "://" in cell else cell,
        "symptoms": _several,
        "commands": _several,
        "links": _ids,
    }
)
