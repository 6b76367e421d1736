"""Exceptions from the rules of lint, each written with its reason in the line that it is about."""

import re
from collections.abc import Iterator

from runner.core.deferred import dataclass, regex

_ALLOW = regex(
    r"#\s*lint:\s*allow\b[\s:]*(?P<rules>[a-z][\w-]*(?:\s*,\s*[a-z][\w-]*)*)?(?:\s+-+\s+(?P<reason>\S[^\r\n]*))?"
)


@dataclass(frozen=True, slots=True)
class Exemption:
    """That `rule` may be broken in `line`, and why; it is written at the character `offset` of the text.

    `rule` is empty where none is named, and `reason` where none is given.
    """

    rule: str
    line: int
    reason: str
    offset: int


def exemptions(text: str) -> Iterator[Exemption]:
    """Each `# lint: allow RULE - reason` of `text`: about its line, or about the next one where it stands alone."""
    lines = text.splitlines(keepends=True)
    offset = 0
    for number, line in enumerate(lines, 1):
        if match := _ALLOW.search(line):
            about = number if line[: match.start()].strip() else _next(lines, number)
            for rule in re.split(r"\s*,\s*", match["rules"] or ""):
                yield Exemption(rule, about, match["reason"] or "", offset + match.start())
        offset += len(line)


def _next(lines: list[str], number: int) -> int:
    """The first line after line `number` that is no comment."""
    later = range(number, len(lines))
    return next((n + 1 for n in later if lines[n].strip() and not lines[n].lstrip().startswith("#")), number)
