"""Reads the data of a record, of which a value may have been cut, or may be of a later version's type."""

from collections.abc import Mapping
from typing import Any


def text(data: Mapping[str, Any], key: str) -> str:
    """The value as text; empty when it is not there."""
    value = data.get(key)
    return "" if value is None else str(value)


def items(data: Mapping[str, Any], key: str) -> list[Any]:
    """The list; empty when there is none."""
    value = data.get(key)
    return value if isinstance(value, list) else []


def mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping; empty when there is none."""
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def number(data: Mapping[str, Any], key: str) -> float | None:
    """The number, None when there is none."""
    value = data.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def mappings(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The mappings in the list."""
    return [item for item in items(data, key) if isinstance(item, Mapping)]
