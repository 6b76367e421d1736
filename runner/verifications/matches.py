"""`matches`: a regular expression that the output or the answer's body contains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from runner.tasks import literal
from runner.verifications.base import VerificationKind


def _pattern(text: str) -> str:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    except RecursionError:
        raise ValueError("is not a regular expression: it is nested too deeply") from None
    if pattern.match(""):
        raise ValueError("matches empty text, so it can not fail; say what must be there")
    return text


class Matches(VerificationKind):
    """The output, or the body of the answer, contains a match of this Python regular expression (multi-line)."""

    key = "matches"

    matches: Annotated[str, AfterValidator(_pattern)]

    def conditions(self, text: str | None) -> Sequence[str]:
        """One search over the result's text."""
        if text is None:
            raise ValueError("matches needs text; this result has none, use `that`")
        return (f"{text} is search({literal(self.matches)}, multiline=true)",)

    def describe(self) -> str:
        """The pattern."""
        return f"Output matches {self.matches}"
