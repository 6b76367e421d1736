"""What a Markdown file says and in which line, and the findings about it."""

from dataclasses import field
from typing import NamedTuple

from runner.core.deferred import dataclass, regex
from runner.model.yaml.finding import Finding, Level

_BRACES = regex(r"\{(?=[{%#])")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of text; two are equal when they say the same, wherever they stand. Lines count from 1."""

    text: str
    line: int = field(compare=False, default=1)


class Prose(NamedTuple):
    """Text that a runbook may hold, and whether marks of a template had to be spelled apart in it."""

    text: str
    spelled: bool


class Notes:
    """The findings about one Markdown file, as they are made."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.findings: list[Finding] = []

    def note(self, line: int, rule: str, message: str, hint: str = "") -> None:
        """What a reader should know."""
        self._add(line, Level.INFO, rule, message, hint)

    def warn(self, line: int, rule: str, message: str, hint: str = "") -> None:
        """What a person has to decide or to complete."""
        self._add(line, Level.WARNING, rule, message, hint)

    def fail(self, line: int, rule: str, message: str, hint: str = "") -> None:
        """What cannot be imported."""
        self._add(line, Level.ERROR, rule, message, hint)

    def prose(self, excerpt: Excerpt) -> str:
        """The text for people in `excerpt`, with the marks of a template spelled apart, which is noted."""
        text, spelled = spell(excerpt.text.strip())
        if spelled:
            hint = "text for people is shown as it is written, and no template is filled in there"
            self.note(excerpt.line, "import-braces", "{{, {% and {# are spelled apart here", hint)
        return text

    def title(self, excerpt: Excerpt) -> str:
        """The same in one line."""
        return " ".join(self.prose(excerpt).split())

    def _add(self, line: int, level: Level, rule: str, message: str, hint: str) -> None:
        self.findings.append(Finding(self.file, line, 1, "", level, rule, message, hint))


def spell(text: str) -> Prose:
    """`text` without a mark that begins a template."""
    apart = _BRACES.sub("{ ", text)
    return Prose(apart, apart != text)


def joined(pieces: list[Excerpt]) -> Excerpt:
    """The pieces as one, with an empty line between them."""
    return Excerpt("\n\n".join(piece.text for piece in pieces), pieces[0].line if pieces else 1)
