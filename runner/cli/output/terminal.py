"""What may reach a terminal: text of hosts and files with everything in it that a terminal would obey made visible."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runner.core.characters import safe
from runner.core.wording import in_one_line, lines_joined

_LABEL = 11
"""Columns of a label, with the spaces around it."""

__all__ = ["brief", "commented", "fitting", "hosts_in_line", "labelled", "lines_joined", "safe", "short"]


def short(text: str, width: int = 200) -> str:
    """The first line of `text`, safe, and no longer than `width` characters."""
    first, _, rest = text.strip().partition("\n")
    cut = len(first) > width or bool(rest)
    return safe(first[: width - 1]) + "…" if cut else safe(first)


def labelled(lines: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of a label and a text each, safe, one below the other; on a terminal no text runs on below a label."""
    columns = _columns()
    return [part for label, text in lines for part in hanging(f"  {label:9}{safe(text)}".rstrip(), columns)]


def fitting(line: str, label: int) -> str:
    """The `line` of a label, so many columns wide, and a text that is safe; on a terminal broken between its words."""
    return "\n".join(hanging(line, _columns(), label))


def commented(commands: Mapping[str, str], before: int) -> list[str]:
    """Each of the `commands`, and what it does, of which so many columns are `before` each line."""
    columns = _columns()
    return with_comments(commands, columns - before if columns else 0)


def with_comments(commands: Mapping[str, str], columns: int) -> list[str]:
    """Each of the `commands` and what it does, behind it, or below where `columns`, 0 for any, are too few for one.

    No command is broken: it is copied.
    """
    width = max(map(len, commands), default=0)
    lines = [f"{command:{width}}  # {does}" for command, does in commands.items()]
    if not columns or max(map(len, lines), default=0) <= columns:
        return lines
    return [line for command, does in commands.items() for line in (command, f"  # {does}")]


def _columns() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() and sys.stderr.isatty() else 0


def hanging(line: str, columns: int, label: int = _LABEL) -> list[str]:
    """The `line` of a label and a text, in as many as it takes where it is wider than `columns`, which are 0 for any.

    What goes on stands below the text, so that nothing in it can look like another label.
    """
    if not columns or len(line) <= columns:
        return [line]
    kept: dict[str, Any] = {"replace_whitespace": False, "break_on_hyphens": False, "tabsize": 1}
    return textwrap.wrap(line, max(columns, 2 * label), subsequent_indent=" " * label, **kept)


def brief(value: Any) -> str:
    """`value` in one line, safe; each text in it is cut where it is long."""
    return in_one_line(value, show=lambda text: short(text, 80))


def hosts_in_line(names: Sequence[str]) -> str:
    """The names of hosts in one line, safe."""
    return in_one_line(list(names), things="hosts", show=safe)
