"""A page: what a Markdown runbook shows of itself, part by part, whichever template it follows."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from runner.core.deferred import dataclass
from runner.markdown.import_findings import Excerpt


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a step: text, the content of a fence, or what must be so when it is done."""

    kind: Literal["text", "block", "fence", "check"]
    excerpt: Excerpt
    info: str = ""

    @property
    def source(self) -> str:
        """The piece in Markdown."""
        if self.kind != "fence":
            return self.excerpt.text
        marks = fence(self.excerpt.text)
        return f"{marks}{self.info}\n{self.excerpt.text}\n{marks}"


@dataclass(frozen=True, slots=True)
class Carried:
    """The YAML that an exported page carries along for what the template has no words for."""

    text: str
    line: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class PageStep:
    """One step; an `alternative` is done only when it applies."""

    title: Excerpt
    parts: tuple[Part, ...] = ()
    carried: Carried | None = None
    alternative: bool = False
    section: int = field(compare=False, default=0)
    """The line of the heading that it stands below."""

    def of(self, *kinds: str) -> tuple[Excerpt, ...]:
        """What its parts of these kinds say."""
        return tuple(part.excerpt for part in self.parts if part.kind in kinds)


@dataclass(frozen=True, slots=True)
class Tick:
    """A prerequisite, and the one that it is a part of."""

    excerpt: Excerpt
    within: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """When somebody is called, whom, and with what; `other` is said without saying which."""

    when: tuple[Excerpt, ...] = ()
    who: tuple[Excerpt, ...] = ()
    provide: tuple[Excerpt, ...] = ()
    other: tuple[Excerpt, ...] = ()


@dataclass(frozen=True, slots=True)
class RunbookPage:
    """One runbook as its Markdown shows it."""

    id: str | None
    title: Excerpt | None
    facts: Mapping[str, Excerpt] = field(default_factory=dict)
    handles: tuple[Excerpt, ...] = ()
    excludes: tuple[Excerpt, ...] = ()
    condition: tuple[Excerpt, ...] = ()
    overview: tuple[Excerpt, ...] = ()
    impact: tuple[Excerpt, ...] = ()
    prerequisites: tuple[Tick, ...] = ()
    steps: tuple[PageStep, ...] = ()
    escalation: Policy = Policy()
    follow_up: tuple[Excerpt, ...] = ()
    links: tuple[Excerpt, ...] = ()
    lost: tuple[Excerpt, ...] = ()
    carried: Carried | None = None
    says_so: bool = field(compare=False, default=False)
    """Whether it calls itself a procedure: by an id, facts of a runbook, or a heading like `Procedure` or `Step 1`."""
    line: int = field(compare=False, default=1)


def fence(text: str) -> str:
    """The marks of a fence that `text` cannot end."""
    runs = [len(run) for run in "".join(c if c == "`" else " " for c in text).split()]
    return "`" * max(3, *(run + 1 for run in runs)) if runs else "```"
