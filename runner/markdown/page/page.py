"""A page: what a Markdown runbook shows of itself, part by part, whichever template it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from runner.markdown.import_findings import Said


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a step: text, the content of a fence, or what must be so when it is done."""

    kind: Literal["text", "block", "fence", "check"]
    said: Said
    info: str = ""

    @property
    def source(self) -> str:
        """The piece in Markdown."""
        if self.kind != "fence":
            return self.said.text
        marks = fence(self.said.text)
        return f"{marks}{self.info}\n{self.said.text}\n{marks}"


@dataclass(frozen=True, slots=True)
class Carried:
    """The YAML that an exported page carries along for what the template has no words for."""

    text: str
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class PageStep:
    """One step; an `alternative` is done only when it applies."""

    title: Said
    parts: tuple[Part, ...] = ()
    carried: Carried | None = None
    alternative: bool = False
    section: int = field(compare=False, default=0)
    """The line of the heading that it stands below."""

    def of(self, *kinds: str) -> tuple[Said, ...]:
        """What its parts of these kinds say."""
        return tuple(part.said for part in self.parts if part.kind in kinds)


@dataclass(frozen=True, slots=True)
class Tick:
    """A prerequisite, and the one that it is a part of."""

    said: Said
    within: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """When somebody is called, whom, and with what; `other` is said without saying which."""

    when: tuple[Said, ...] = ()
    who: tuple[Said, ...] = ()
    provide: tuple[Said, ...] = ()
    other: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One runbook as its Markdown shows it."""

    id: str | None
    title: Said | None
    facts: Mapping[str, Said] = field(default_factory=dict)
    handles: tuple[Said, ...] = ()
    excludes: tuple[Said, ...] = ()
    condition: tuple[Said, ...] = ()
    overview: tuple[Said, ...] = ()
    impact: tuple[Said, ...] = ()
    prerequisites: tuple[Tick, ...] = ()
    steps: tuple[PageStep, ...] = ()
    escalation: Policy = Policy()
    follow_up: tuple[Said, ...] = ()
    links: tuple[Said, ...] = ()
    lost: tuple[Said, ...] = ()
    carried: Carried | None = None
    says_so: bool = field(compare=False, default=False)
    """Whether it calls itself a procedure: by an id, facts of a runbook, or a heading like `Procedure` or `Step 1`."""
    line: int = field(compare=False, default=1)


def fence(text: str) -> str:
    """The marks of a fence that `text` cannot end."""
    runs = [len(run) for run in "".join(c if c == "`" else " " for c in text).split()]
    return "`" * max(3, *(run + 1 for run in runs)) if runs else "```"
