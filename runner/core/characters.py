"""Which values can be handed to a program, and what of a text must be made visible before people read it."""

import math
from collections.abc import Mapping
from typing import Any


def unfit(value: Any) -> str:
    """Why `value`, a text or what Python reads as JSON, cannot be handed to any program; empty where it can."""
    if isinstance(value, Mapping):
        return next(filter(None, (unfit(each) for pair in value.items() for each in pair)), "")
    if isinstance(value, list | tuple):
        return next(filter(None, map(unfit, value)), "")
    if isinstance(value, float) and not math.isfinite(value):
        return "holds Infinity or NaN, which no program can be given as a number"
    if not isinstance(value, str):
        return ""
    if "\0" in value:
        return "holds a NUL character, which no program can be given"
    return "" if value.encode(errors="ignore").decode() == value else "is not text in UTF-8"


def safe(text: str, *, lines: bool = False) -> str:
    """`text` with control characters, and others that do not show, as escapes; with `lines`, line breaks are kept."""
    if text.isprintable():
        return text
    kept = "\n" if lines else ""
    return "".join(
        character if character.isprintable() or character in kept else character.encode("unicode_escape").decode()
        for character in text
    )


def shown_text(text: str) -> str:
    """The same for a text of several lines, whose tabs are kept as well."""
    return "\t".join(safe(part, lines=True) for part in text.split("\t"))


def shown(value: Any) -> Any:
    """`value`, JSON with texts in it, with each of them so."""
    if isinstance(value, Mapping):
        return {shown(name): shown(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return shown_text(value) if isinstance(value, str) else value
