"""The steps that the sections of a page describe."""

from collections.abc import Iterator, Sequence
from dataclasses import field

from runner.core.deferred import dataclass
from runner.markdown.import_findings import Excerpt
from runner.markdown.page.blocks import PageBlock
from runner.markdown.page.headings import Role, label, plain
from runner.markdown.page.outline import Section, block_text, flat, is_checklist, texts, ticks
from runner.markdown.page.page import Carried, PageStep, Part

STEP = "yaml runbook-step"
"""What stands behind the marks of the fence that carries a step."""

_LONGEST_TITLE = 80


@dataclass
class _OpenStep:
    """A step while its sections are read."""

    title: Excerpt
    level: int
    section: int
    alternative: bool = False
    parts: list[Part] = field(default_factory=list)
    carried: Carried | None = None

    def made(self) -> PageStep:
        """The step as it was read."""
        return PageStep(self.title, tuple(self.parts), self.carried, self.alternative, self.section)

    def add(self, blocks: Sequence[PageBlock], *, checking: bool) -> None:
        """Read `blocks`; in `checking` they say what must be so."""
        carrying = [block for block in blocks if block.info == STEP]
        if carrying:
            self.carried = Carried(f"{carrying[-1].text}\n", carrying[-1].line + 1)
        self.parts += parts([block for block in blocks if block.info != STEP], checking=checking)


class Procedure:
    """Collects the steps, section by section."""

    def __init__(self) -> None:
        self._steps: list[_OpenStep] = []

    def steps(self) -> tuple[PageStep, ...]:
        """The steps so far."""
        return tuple(step.made() for step in self._steps)

    def add(self, section: Section) -> None:
        """Read one section."""
        last = self._steps[-1] if self._steps else None
        if last and section.level > last.level and not (last.parts or last.carried):
            self._steps.pop()  # it only holds others together
        match section.role:
            case Role.ALTERNATIVE:
                self._alternative(section)
            case Role.PROCEDURE | Role.STEP if section.role is Role.PROCEDURE or _is_numbered(section.blocks):
                self._procedure(section)
            case Role.COMMANDS | Role.VERIFICATION if last and last.level < section.level and not last.alternative:
                last.add(section.blocks, checking=section.role is Role.VERIFICATION)
                self._steps[-1:] = [last]
            case _:
                step = self._begin(section.title, section)
                step.add(section.blocks, checking=section.role is Role.VERIFICATION)

    def _begin(
        self, title: Excerpt, section: Section, *, level: int | None = None, alternative: bool = False
    ) -> _OpenStep:
        step = _OpenStep(title, section.level if level is None else level, section.title.line, alternative)
        self._steps.append(step)
        return step

    def _alternative(self, section: Section) -> None:
        last = self._steps[-1] if self._steps else None
        step = last if section.inner and last else self._begin(section.title, section, alternative=True)
        step.parts += [Part("block", excerpt) for excerpt in texts(section)]

    def _procedure(self, section: Section) -> None:
        """Each item of a numbered list is a step; what else stands there is one."""
        for block in section.blocks:
            if block.kind == "list" and block.ordered:
                for item in block.items:
                    self._item(item, section)
            else:
                last = self._steps[-1] if self._steps else None
                # What a fence does that is not indented belongs to the item before it, or it would be done elsewhere.
                own = last and (last.title is section.title or (block.kind == "fence" and last.level > section.level))
                step = last if last and own else self._begin(section.title, section)
                step.add([block], checking=False)

    def _item(self, item: Sequence[PageBlock], section: Section) -> None:
        if not item:
            return
        line, _, rest = (flat(item[0]) if item[0].kind != "paragraph" else item[0].text).partition("\n")
        short = len(line) <= _LONGEST_TITLE and not rest
        step = self._begin(
            Excerpt(plain(line)[:_LONGEST_TITLE].rstrip(" :") or "Step", item[0].line), section, level=section.level + 1
        )
        step.add(item[1:] if short else item, checking=False)


def parts(blocks: Sequence[PageBlock], *, checking: bool) -> list[Part]:
    """The pieces of a step that `blocks` hold; after a label they are what it says."""
    step_parts: list[Part] = []
    for block in blocks:
        if block.kind == "paragraph":
            pieces, checking = _paragraph(block, checking=checking)
            step_parts += pieces
        elif block.kind == "fence":
            step_parts.append(Part("fence", block.excerpt, block.info))
        elif block.kind == "list" and _holds_fence(block):
            step_parts += [part for item in block.items for part in parts(item, checking=checking)]
        elif block.kind == "list" and (checking or is_checklist(block)):
            step_parts += [Part("check", tick.excerpt) for tick in ticks(Section(Role.STEP, block.excerpt, 0, [block]))]
            checking = False
        elif block.source.strip():
            step_parts.append(Part("block", block_text(block)))
    return step_parts


def _is_numbered(blocks: Sequence[PageBlock]) -> bool:
    """Whether the blocks are a sequence of things to be done, each with its number."""
    return sum(len(block.items) for block in blocks if block.kind == "list" and block.ordered) > 1


def _holds_fence(block: PageBlock) -> bool:
    return any(inner.kind == "fence" or _holds_fence(inner) for item in block.items for inner in item)


def _paragraph(block: PageBlock, *, checking: bool) -> tuple[list[Part], bool]:
    """The pieces of a paragraph, and whether what follows it says what must be so."""
    pieces: list[Part] = []
    labelled = False
    for text, line, role in _runs(block):
        if role:
            checking = labelled = role is Role.VERIFICATION
        if text:
            pieces.append(
                Part("check", Excerpt(" ".join(text.split()), line)) if checking else Part("text", Excerpt(text, line))
            )
    return pieces, checking and labelled


def _runs(block: PageBlock) -> Iterator[tuple[str, int, Role | None]]:
    """The text of a paragraph between its labels, its line, and the label before it."""
    text: list[str] = []
    begin, role = block.line, None
    for number, line in enumerate(block.text.split("\n"), block.line):
        if labelled := label(line):
            yield "\n".join(text).strip(), begin, role
            text, begin, role = [labelled[1]] if labelled[1] else [], number, labelled[0]
        else:
            text.append(line.strip())
    yield "\n".join(text).strip(), begin, role
