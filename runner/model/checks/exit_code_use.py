"""What judges the result of an action or a probe: its exit code alone, or what it says."""

from __future__ import annotations

from collections.abc import Iterable

from runner.core.deferred import regex
from runner.model.verification import Verification

_SAYS = regex(r"\b(?:stdout|stderr|json|content|result)\b")
_ANY = regex(r"\b(?:stdout|content)\b[^=<>]*(?:\|\s*length\s*>\s*0|!=\s*['\"]{2}|is\s+defined)")


def judges_output(verifications: Iterable[Verification]) -> bool:
    """Whether one of them looks at what is said; that something is said is not enough, an error says something too."""
    return any(
        any(kind.judges_text for kind in each.kinds)
        or any(_SAYS.search(text) and not _ANY.search(text) for text in each.expressions)
        for each in verifications
    )


def exit_codes(verifications: Iterable[Verification]) -> frozenset[int]:
    """The exit codes that they call good; 0 alone where none says so."""
    return frozenset(code for each in verifications for code in each.good_exits) or frozenset({0})
