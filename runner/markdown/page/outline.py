"""The sections of an entry, each with what it is for."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from runner.core.deferred import dataclass, regex
from runner.markdown.import_findings import Excerpt
from runner.markdown.page.blocks import PageBlock
from runner.markdown.page.headings import OWN, Role, is_step, label, plain, role
from runner.markdown.page.page import Tick
from runner.markdown.page.source import fact

_BELOW_ALL = 7
"""The level of a heading that is one only by being bold: below every heading with marks."""

_BOLD = regex(r"(?P<marks>\*\*|__)(?P<text>[^*_\n]{1,100}[^*_\n.!?:])(?::?(?P=marks):?)")


@dataclass(slots=True)
class Section:
    """A heading with the blocks below it; `inner` when it is a sub-section of a section for the same thing."""

    role: Role
    title: Excerpt
    level: int
    blocks: list[PageBlock] = field(default_factory=list)
    inner: bool = False


def outline(blocks: Sequence[PageBlock], *, titled: bool) -> tuple[Excerpt | None, list[Section]]:
    """The title, where it is not known (`titled`) and the first heading is one; and the sections in their order."""
    blocks = [part for block in blocks for part in _headed(block)]
    sections = [Section(Role.TOP, Excerpt("", blocks[0].line if blocks else 1), 0)]
    above: list[tuple[int, Role]] = []
    title: Excerpt | None = None
    for block in blocks:
        if block.kind != "heading":
            sections[-1].blocks.append(block)
        elif not (titled or title) and role(block.text) is Role.STEP and _is_title(block, blocks):
            title = Excerpt(plain(block.text), block.line)
        else:
            while above and above[-1][0] >= block.level:
                above.pop()
            sections.append(_section(block, [found for _, found in above]))
            above.append((block.level, sections[-1].role))
    return title, sections


def _headed(block: PageBlock) -> Iterator[PageBlock]:
    """A paragraph whose first line is bold as a whole is a heading to its author, with what follows below it."""
    line, _, rest = block.text.partition("\n")
    match = _BOLD.fullmatch(line.strip()) if block.kind == "paragraph" else None
    if match is None or fact(line) or label(line):
        yield block
        return
    yield replace(block, kind="heading", source=line, text=match["text"], level=_BELOW_ALL)
    if rest:
        yield replace(block, line=block.line + 1, source=rest, text=rest)


def _is_title(block: PageBlock, blocks: Sequence[PageBlock]) -> bool:
    """Whether it is the first heading, and none stands above it."""
    headings = [other for other in blocks if other.kind == "heading"]
    return headings[0] is block and (block.level == 1 or all(other.level > block.level for other in headings[1:]))


def _section(block: PageBlock, above: Sequence[Role]) -> Section:
    title, section_role = Excerpt(plain(block.text), block.line), role(block.text)
    parent = above[-1] if above else Role.TOP
    says_so = block.level == _BELOW_ALL and (section_role is not Role.STEP or is_step(block.text))
    if parent not in OWN and not says_so:
        return Section(parent, title, block.level, inner=True)
    within = Role.PROCEDURE in above or Role.STEP in above
    if within and section_role not in {Role.VERIFICATION, Role.COMMANDS, Role.ALTERNATIVE, Role.PROCEDURE}:
        section_role = Role.STEP
    return Section(section_role, title, block.level)


_BOX = regex(r"\[[ xX]\](?:[ \t]+|$)")


def lines(block: PageBlock) -> list[Excerpt]:
    """The lines of a paragraph, of each item of a list and what is below it, of a quotation, of a table."""
    if block.kind == "table":
        return [Excerpt(" | ".join(row), block.line + number + (number > 0)) for number, row in enumerate(block.rows)]
    if block.items:
        return [line for item in block.items for inner in item for line in lines(inner)]
    text = block.text if block.kind == "paragraph" else block.source
    return [Excerpt(line.strip(), block.line + number) for number, line in enumerate(text.split("\n")) if line.strip()]


def pieces(block: PageBlock, label: re.Pattern[str]) -> list[Excerpt]:
    """The same, with lines joined that one sentence runs over: each piece begins a paragraph, or like `label`."""
    joined: list[Excerpt] = []
    for line in lines(block):
        follows = joined and joined[-1].line + joined[-1].text.count("\n") + 1 == line.line
        if follows and not label.fullmatch(line.text) and block.kind == "paragraph":
            joined[-1] = Excerpt(f"{joined[-1].text}\n{line.text}", joined[-1].line)
        else:
            joined.append(line)
    return [Excerpt(" ".join(piece.text.split()), piece.line) for piece in joined]


def block_text(block: PageBlock) -> Excerpt:
    """The block as it is written."""
    return Excerpt(block.source, block.line)


def texts(section: Section) -> list[Excerpt]:
    """The text of each block of `section` as it is written, under its heading where that says more than the role."""
    excerpts = [block_text(block) for block in section.blocks if block.source.strip()]
    return [section.title, *excerpts] if section.inner and section.title.text else excerpts


def ticks(section: Section) -> list[Tick]:
    """Each thing to be ticked off: an item of a list, at any depth, or a paragraph, in one line."""
    return [tick for block in section.blocks for tick in _ticks(block, "")]


def _ticks(block: PageBlock, within: str) -> Iterator[Tick]:
    if block.kind == "list":
        for item in block.items:
            yield from _item(item, within)
    elif block.source.strip():
        yield Tick(Excerpt(flat(block), block.line), within)


def _item(item: Sequence[PageBlock], within: str) -> Iterator[Tick]:
    text = " ".join(flat(block) for block in item if block.kind != "list")
    text = _BOX.sub("", text, count=1) if _BOX.match(text) else text
    if text.strip():
        yield Tick(Excerpt(text, item[0].line), within)
    for block in item:
        if block.kind == "list":
            yield from _ticks(block, text)


def flat(block: PageBlock) -> str:
    """The block in one line."""
    return " ".join((block.text if block.kind == "paragraph" else block.source).split())


def split_list(excerpt: Excerpt) -> list[Excerpt]:
    """The items that commas or semicolons separate in `excerpt`, those in parentheses or quotes aside."""
    items, depth, start, quote = [], 0, 0, ""
    for at, character in enumerate(excerpt.text):
        quote = ("" if quote == character else quote or character) if character in '"`' else quote
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0) if not quote else 0
        if character in ",;" and depth <= 0 and not quote and excerpt.text[at + 1 : at + 2] in {" ", ""}:
            items.append(excerpt.text[start:at])
            start = at + 1
    items.append(excerpt.text[start:])
    return [Excerpt(item.strip(), excerpt.line) for item in items if item.strip()]


def is_checklist(block: PageBlock) -> bool:
    """Whether every item of a list has a box to tick."""
    firsts = [item[0].text if item else "" for item in block.items]
    return block.kind == "list" and bool(firsts) and all(_BOX.match(text) for text in firsts)
