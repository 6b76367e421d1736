"""The tables of a Markdown text, with the line of each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it import MarkdownIt

from runner.core.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A row: its line in the text, from 1, and what its cells say, without marks; a link says its target as well."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its head, and its rows."""

    head: Line
    rows: tuple[Line, ...]

    def column(self, number: int) -> list[str]:
        """What the rows say in a column."""
        return [row.cells[number] for row in self.rows]


def tables(text: str) -> Iterator[Table]:
    """The tables of `text`; what stands in a block of code is none."""
    lines: list[Line] = []
    cells: list[str] = []
    number = 0
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "table_open":
            lines = []
        elif token.type == "tr_open":
            cells, number = [], token.map[0] + 1 if token.map else number + 1
        elif token.type == "inline" and token.level and token.children is not None:
            cells.append(_text_of(token.children))
        elif token.type == "tr_close":
            lines.append(Line(number, tuple(cells)))
        elif token.type == "table_close":
            yield Table(lines[0], tuple(lines[1:]))


def _text_of(tokens: Sequence[Any]) -> str:
    """The text in `tokens`, without marks, and the target of each link behind what it says."""
    text, targets = "", []
    for token in tokens:
        if token.type == "link_open":
            targets.append(str(token.attrs["href"]))
        elif token.type == "link_close":
            target = targets.pop()
            text += f" {target}" if "://" in target else ""
        elif token.type in {"softbreak", "hardbreak"} or token.content in {"<br>", "<br/>"}:
            text += " "
        elif token.type != "html_inline":
            text += token.content
    return " ".join(text.split())
