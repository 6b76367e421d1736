"""The blocks of a Markdown text as CommonMark sees them, each with its source and its line."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from runner.core.deferred import dataclass, regex
from runner.markdown.import_findings import Excerpt
from runner.markdown.page.source import fact

Kind = Literal["heading", "paragraph", "fence", "list", "quote", "table", "other"]

# Only blocks matter here: what is bold or a link within a paragraph is kept as it is written.
_MARKDOWN = MarkdownIt("commonmark", {"maxNesting": 60}).enable("table").disable("inline")
_COMMENTS = regex(r"(?:\s*<!--.*?-->)+\s*", re.DOTALL)
_KINDS: dict[str, Kind] = {
    "heading": "heading",
    "paragraph": "paragraph",
    "fence": "fence",
    "bullet_list": "list",
    "ordered_list": "list",
    "blockquote": "quote",
    "table": "table",
}


@dataclass(frozen=True, slots=True)
class PageBlock:
    """One block; `source` is what is written, `text` what it says: a fence's content, a heading without its marks.

    `items` are the blocks of each item of a list, or of a quotation; `rows` the cells of a table, its head first.
    """

    kind: Kind
    line: int
    source: str
    text: str = ""
    info: str = ""
    level: int = 0
    ordered: bool = False
    items: tuple[tuple[PageBlock, ...], ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def excerpt(self) -> Excerpt:
        """What the block says."""
        return Excerpt(self.text, self.line)


def blocks(lines: Sequence[str], first: int) -> tuple[list[PageBlock], list[Excerpt]]:
    """The blocks of a text whose first line is line `first` of its file, and what it holds that nobody sees.

    That is its link definitions and its HTML comments.
    """
    environment: dict[str, Any] = {}
    tokens = _MARKDOWN.parse("\n".join(lines), environment)
    reader = _BlockReader(lines, first)
    links = [
        Excerpt(f"[{label}]: {link['href']}", link["map"][0] + first)
        for label, link in environment.get("references", {}).items()
    ]
    page_blocks = list(reader.all(SyntaxTreeNode(tokens).children))
    return page_blocks, sorted([*links, *reader.comments], key=lambda excerpt: excerpt.line)


class _BlockReader:
    """Makes blocks of the nodes of one text."""

    def __init__(self, lines: Sequence[str], first: int) -> None:
        self._lines = lines
        self._first = first
        self.comments: list[Excerpt] = []

    def all(self, nodes: Sequence[SyntaxTreeNode]) -> Iterator[PageBlock]:
        for node in nodes:
            if node.type == "html_block" and _COMMENTS.fullmatch(node.content):
                line = (node.map or (0, 0))[0] + self._first
                self.comments.append(Excerpt(node.content.strip(), line))
            elif node.type != "hr":
                yield self._block(node)

    def _block(self, node: SyntaxTreeNode) -> PageBlock:
        begin, end = node.map or (0, 0)
        source = textwrap.dedent("\n".join(self._lines[begin:end])).strip("\n")
        kind = _KINDS.get(node.type, "other")
        text = node.children[0].content if kind in {"heading", "paragraph"} and node.children else ""
        text = node.content if kind == "fence" else text
        if kind == "heading" and _is_facts(node, text):
            kind = "paragraph"
        return PageBlock(
            kind,
            begin + self._first,
            source,
            text.strip("\n"),
            info=node.info.strip() if kind == "fence" else "",
            level=int(node.tag[1:]) if kind == "heading" else 0,
            ordered=node.type == "ordered_list",
            items=tuple(self._items(node, kind)),
            rows=_rows(node) if kind == "table" else (),
        )

    def _items(self, node: SyntaxTreeNode, kind: Kind) -> Iterator[tuple[PageBlock, ...]]:
        if kind == "quote":
            yield tuple(self.all(node.children))
        if kind == "list":
            for item in node.children:
                yield tuple(self.all(item.children))


def _is_facts(node: SyntaxTreeNode, text: str) -> bool:
    """Whether a heading is none: a rule right below lines of text makes them a heading to CommonMark."""
    return node.markup in {"-", "="} and ("\n" in text or fact(text) is not None)


def _rows(node: SyntaxTreeNode) -> tuple[tuple[str, ...], ...]:
    rows = (row for part in node.children for row in part.children)
    return tuple(
        tuple(cell.children[0].content.strip() if cell.children else "" for cell in row.children) for row in rows
    )
