"""What may reach a terminal: text of hosts and files with everything in it that a terminal would obey made visible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runner.core.characters import safe
from runner.core.wording import in_one_line, lines_joined

__all__ = ["brief", "hosts_in_line", "labelled", "lines_joined", "safe", "short"]


def short(text: str, width: int = 200) -> str:
    """The first line of `text`, safe, and no longer than `width` characters."""
    first, _, rest = text.strip().partition("\n")
    cut = len(first) > width or bool(rest)
    return safe(first[: width - 1]) + "…" if cut else safe(first)


def labelled(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of a label and a text each, safe, one below the other."""
    return [f"  {label:9}{safe(text)}".rstrip() for label, text in lines]


def brief(value: Any) -> str:
    """`value` in one line, safe; each text in it is cut where it is long."""
    return in_one_line(value, show=lambda text: short(text, 80))


def hosts_in_line(names: Sequence[str]) -> str:
    """The names of hosts in one line, safe."""
    return in_one_line(list(names), things="hosts", show=safe)
