"""From the sections of an entry to a page."""

import re
from dataclasses import field, replace

from runner.core.deferred import dataclass, regex
from runner.markdown.commands import kind_of
from runner.markdown.import_findings import Excerpt
from runner.markdown.page.blocks import blocks
from runner.markdown.page.escalation_section import policy
from runner.markdown.page.headings import Role, is_step
from runner.markdown.page.outline import Section, block_text, lines, outline, pieces, split_list, texts, ticks
from runner.markdown.page.page import Carried, RunbookPage, Tick
from runner.markdown.page.procedure import Procedure
from runner.markdown.page.source import PageEntry, fact

WHOLE = "yaml runbook"
"""What stands behind the marks of the fence that carries everything but the steps."""

_SCOPE = regex(
    r"[*_\s]*(?:(?P<handles>handles|covers|in scope)|does not (?:handle|cover)|excludes|out of scope)"
    r"\s*(?:[*_]+:|:[*_]*)\s*(?P<rest>.*)",
    re.IGNORECASE,
)


def read_page(entry: PageEntry) -> RunbookPage:
    """What the Markdown of `entry` shows."""
    page_blocks, links = blocks(entry.lines, entry.line)
    carried = next((Carried(f"{block.text}\n", block.line + 1) for block in page_blocks if block.info == WHOLE), None)
    title, sections = outline([block for block in page_blocks if block.info != WHOLE], titled=entry.id is not None)
    reader = _PageReader(dict(entry.facts), lost=[*entry.lost, *links])
    if title and entry.title and title.text.casefold() != entry.title.text.casefold():
        reader.lost.append(title)
    if len(sections) == 1:  # a page without headings says at once what is to be done
        reader.only(sections[0], title or entry.title)
    for section in sections if len(sections) > 1 else ():
        reader.add(section)
    page = reader.page(entry, title, carried)
    titles = any(section.role is Role.PROCEDURE or is_step(section.title.text) for section in sections)
    return replace(page, says_so=bool(page.id or page.facts) or titles)


@dataclass
class _PageReader:
    """What was read so far."""

    facts: dict[str, Excerpt]
    lost: list[Excerpt]
    texts: dict[Role, list[Excerpt]] = field(default_factory=dict)
    scope: dict[str, list[Excerpt]] = field(default_factory=lambda: {"handles": [], "excludes": []})
    prerequisites: list[Tick] = field(default_factory=list)
    procedure: Procedure = field(default_factory=Procedure)
    escalation: list[Section] = field(default_factory=list)
    follow_up: list[Excerpt] = field(default_factory=list)
    links: list[Excerpt] = field(default_factory=list)

    def page(self, entry: PageEntry, title: Excerpt | None, carried: Carried | None) -> RunbookPage:
        return RunbookPage(
            id=entry.id,
            title=entry.title or title,
            facts=self.facts,
            handles=tuple(self.scope["handles"]),
            excludes=tuple(self.scope["excludes"]),
            condition=tuple(self.texts.get(Role.CONDITION, ())),
            overview=tuple(self.texts.get(Role.OVERVIEW, ())),
            impact=tuple(self.texts.get(Role.IMPACT, ())),
            prerequisites=tuple(self.prerequisites),
            steps=self.procedure.steps(),
            escalation=policy(self.escalation),
            follow_up=tuple(self.follow_up),
            links=tuple(self.links),
            lost=tuple(self.lost),
            carried=carried,
            line=entry.line,
        )

    def add(self, section: Section) -> None:
        match section.role:
            case Role.TOP:
                self._top(section)
            case Role.CONDITION | Role.OVERVIEW | Role.IMPACT:
                self.texts.setdefault(section.role, []).extend(texts(section))
            case Role.SCOPE:
                self._scope(section)
            case Role.PREREQUISITES:
                self.prerequisites += ticks(section)
            case Role.ESCALATION:
                self.escalation.append(section)
            case Role.FOLLOW_UP:
                self.follow_up += [tick.excerpt for tick in ticks(section)]
            case Role.LINKS:
                self.links += texts(section)
            case Role.ASIDE | Role.DEFINITION:
                self.lost += texts(section)
            case _:
                self.procedure.add(section)

    def only(self, section: Section, title: Excerpt | None) -> None:
        """The one section of a page without others: facts, and what is to be done."""
        facts = [block for block in section.blocks if block.kind == "paragraph" and all(map(self._fact, lines(block)))]
        done = [block for block in section.blocks if block not in facts]
        if done:
            named = title or Excerpt("", done[0].line)
            self.procedure.add(Section(Role.PROCEDURE, named, 1, done))

    def _top(self, section: Section) -> None:
        """What stands before the first section: facts, what the runbook is about, and commands already."""
        for block in section.blocks:
            if block.kind == "fence" and kind_of(block.info):
                self.procedure.add(Section(Role.STEP, Excerpt("First", block.line), 1, [block]))
                continue
            rest = [line for line in lines(block) if not self._fact(line)]
            whole = block.kind in {"fence", "other"}
            excerpt = [block_text(block)] if whole else rest
            if text := "\n".join(line.text for line in excerpt).strip():
                self.texts.setdefault(Role.OVERVIEW, []).append(Excerpt(text, excerpt[0].line))

    def _fact(self, line: Excerpt) -> bool:
        pair = fact(line.text)
        if pair:
            self.facts.setdefault(pair[0], Excerpt(pair[1], line.line))
        return pair is not None

    def _scope(self, section: Section) -> None:
        key = "handles"
        for piece in (piece for block in section.blocks for piece in pieces(block, _SCOPE)):
            match = _SCOPE.fullmatch(piece.text)
            if match:
                key = "handles" if match["handles"] else "excludes"
            text = Excerpt(match["rest"] if match else piece.text, piece.line)
            self.scope[key] += split_list(text) if match else [text]
