"""What a page says about escalation: under labels, in sub-sections, or in a table of levels."""

import re
from collections.abc import Iterator, Sequence

from runner.core.deferred import regex
from runner.core.wording import grouped
from runner.markdown.import_findings import Excerpt
from runner.markdown.page.blocks import PageBlock
from runner.markdown.page.outline import Section, pieces, split_list
from runner.markdown.page.page import Policy

_WHEN = "when(?: to escalate)?|conditions?|triggers?|criteria|escalate (?:when|if)"
_WHO = "who(?: to contact)?|contacts?|(?:l|level |tier )[1-9]|primary|secondary|escalation contacts?"
_PROVIDE = "what to provide|provide|information to provide|include"
_LABEL = regex(
    rf"[*_\s]*(?:(?P<when>{_WHEN})|(?P<who>{_WHO})|(?P<provide>{_PROVIDE}))\s*(?:[*_]+:|:[*_]*|[*_]+)\s*(?P<rest>.*)",
    re.IGNORECASE,
)
_COLUMNS = (
    ("when", regex(r".*\b(?:when|conditions?|triggers?|criteria|escalate|after)\b.*", re.IGNORECASE)),
    ("who", regex(r".*\b(?:who|contacts?|names?|roles?|teams?|person)\b.*", re.IGNORECASE)),
    ("level", regex(r".*\b(?:levels?|tiers?)\b.*|#?", re.IGNORECASE)),
)
_THEN = regex(r",?\s+(?:then|and then)\s+|\s*(?:→|->)\s*")


def policy(sections: Sequence[Section]) -> Policy:
    """What the `sections` about escalation say."""
    found = grouped((key, text) for section in sections for key, text in _said(section) if text.text)
    return Policy(**{key: tuple(texts) for key, texts in found.items()})


def _said(section: Section) -> Iterator[tuple[str, Excerpt]]:
    """What it says, each with the part of the policy that it belongs to."""
    match = _LABEL.fullmatch(f"{section.title.text}:")
    for block in section.blocks:
        yield from _table(block) if block.kind == "table" else _block(block, _named(match) if match else "other")


def _named(match: re.Match[str]) -> str:
    return next(key for key in ("when", "who", "provide") if match[key])


def _block(block: PageBlock, key: str) -> Iterator[tuple[str, Excerpt]]:
    for piece in pieces(block, _LABEL):
        match = _LABEL.fullmatch(piece.text)
        if match:
            key = _named(match)
        text = Excerpt(match["rest"] if match else piece.text, piece.line)
        items = split_list(text) if match and key != "who" else [text]
        yield from ((key, item) for item in (contacts(text) if key == "who" else items))


def contacts(excerpt: Excerpt) -> list[Excerpt]:
    """Each one who is called, in their order."""
    parts = [Excerpt(part, excerpt.line) for part in _THEN.split(excerpt.text)]
    return [item for part in parts for item in split_list(part)]


def _table(block: PageBlock) -> Iterator[tuple[str, Excerpt]]:
    """A row is a level: whom to call, and from when on; a column that says neither is about them."""
    head, *rows = block.rows
    kinds = [next((key for key, pattern in _COLUMNS if pattern.fullmatch(cell)), "other") for cell in head]
    if "who" not in kinds:
        kinds = ["who" if number == 1 else kind for number, kind in enumerate(kinds)]
    for number, row in enumerate(rows, block.line + 2):
        named: set[str] = set()
        for title, kind, cell in zip(head, kinds, row, strict=False):
            if cell and kind != "level":
                key = "other" if kind in named else kind
                named.add(kind)
                yield key, Excerpt(cell if key != "other" else f"{row[0]}: {title}: {cell}", number)
