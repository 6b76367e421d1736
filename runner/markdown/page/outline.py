"""The sections of an entry, each with what it is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace

from runner.core.deferred import dataclass, regex
from runner.markdown.import_findings import Excerpt
from runner.markdown.page.blocks import PageBlock
from runner.markdown.page.headings import OWN, Role, is_step, label, plain, role
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
