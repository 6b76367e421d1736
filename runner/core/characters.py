"""Which texts can be handed to a program: as an argument, in the environment, in JSON, to Ansible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unfit(value: Any) -> str:
    """Why `value`, a text or JSON with texts in it, cannot be handed to any program; empty where it can."""
    if isinstance(value, Mapping):
        return next(filter(None, (unfit(each) for pair in value.items() for each in pair)), "")
    if isinstance(value, list | tuple):
        return next(filter(None, map(unfit, value)), "")
    if not isinstance(value, str):
        return ""
    if "\0" in value:
        return "holds a NUL character, which no program can be given"
    return "" if value.encode(errors="ignore").decode() == value else "is not text in UTF-8"
