"""What may reach a terminal: text of hosts and files with everything in it that a terminal would obey made visible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SHOWN = 5
"""Items of a list that are shown; of the rest, how many there are."""

_WHOLE = 10
"""Names of hosts that are shown whole."""


def safe(text: str, *, lines: bool = False) -> str:
    """`text` with control characters, and others that do not show, as escapes; with `lines`, line breaks are kept."""
    kept = "\n" if lines else ""
    return "".join(
        character if character.isprintable() or character in kept else character.encode("unicode_escape").decode()
        for character in text
    )


def short(text: str, width: int = 200) -> str:
    """The first line of `text`, safe, and no longer than `width` characters."""
    first, _, rest = text.strip().partition("\n")
    cut = len(first) > width or bool(rest)
    return safe(first[: width - 1]) + "…" if cut else safe(first)


def one_line(text: str) -> str:
    """`text` with a mark where a line ends, so that two commands do not look like one."""
    return " ⏎ ".join(line.strip() for line in text.splitlines() if line.strip())


def labelled(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of a label and a text each, safe, one below the other."""
    return [f"  {label:9}{safe(text)}".rstrip() for label, text in lines]


def brief(value: Any) -> str:
    """`value` in one line: of a long list the first items and their number, of a mapping its keys and values."""
    if isinstance(value, list):
        shown = ", ".join(brief(item) for item in value[:_SHOWN])
        return f"{shown}, … ({len(value)} in all)" if len(value) > _SHOWN else shown or "nothing"
    if isinstance(value, Mapping):
        return "(" + " ".join(f"{safe(str(key))}={brief(item)}" for key, item in value.items()) + ")"
    return short(str(value), 80)


def folded(names: Sequence[str]) -> str:
    """The names of hosts in one line, safe: of many the first three and the last, and how many there are."""
    if len(names) <= _WHOLE:
        return safe(", ".join(names))
    return safe(f"{', '.join(names[:3])} ... {names[-1]} ({len(names)} hosts)")


def counted(number: int, thing: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {thing}{'s' * (number != 1)}"
