"""`matches`: a regular expression that the output or the answer's body contains."""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from runner.core.deferred import regex
from runner.core.templates import literal
from runner.kinds.verifications.base import VerificationKind


def _pattern(text: str) -> str:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    except RecursionError:
        raise ValueError("is not a regular expression: it is nested too deeply") from None
    if pattern.match(""):
        raise ValueError("matches empty text, so it cannot fail; say what must be there")
    return text


# Neither a break, nor a class that may hold one, nor an extension: those may look behind or ahead.
_WITHIN_A_LINE = regex(r"(?:[^\\\[(\x00-\x1f]|\\[^a-zA-Z0-9\x00-\x1f]|\\[dwbS]|\((?!\?)|\[(?!\^))*")


class Matches(VerificationKind):
    """The output, or the body of the answer, contains a match of this Python regular expression (multi-line).

    Of an output that was cut whole lines are kept: a match within one of them counts.
    """

    key = "matches"
    example = r"- {says: Both disks are in the array, command: cat /proc/mdstat, matches: '\[UU\]'}"
    judges_text = True

    matches: Annotated[str, AfterValidator(_pattern)]

    def conditions(self, text: str | None) -> Sequence[str]:
        """One search over the result's text."""
        if text is None:
            raise ValueError("matches needs text; this result has none, use `that`")
        return (f"{text} is search({literal(self.matches)}, multiline=true)",)

    @property
    def holds_by_a_line(self) -> bool:
        """Where it can be no longer than a line, and sees nothing of another."""
        return _WITHIN_A_LINE.fullmatch(self.matches) is not None

    def describe(self) -> str:
        """The pattern."""
        return f"Output matches {self.matches}"
