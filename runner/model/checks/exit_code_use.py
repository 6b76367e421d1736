"""What judges the result of an action or a probe: its exit code alone, or what it says."""

from __future__ import annotations

import re
from collections.abc import Iterable

from runner.kinds.verifications.exit_code import Exit
from runner.kinds.verifications.json_output import Json
from runner.kinds.verifications.matches import Matches
from runner.kinds.verifications.that import That
from runner.model.verification import Verification

_SAYS = re.compile(r"\b(?:stdout|stderr|json|content|result)\b")
_ANY = re.compile(r"\b(?:stdout|content)\b[^=<>]*(?:\|\s*length\s*>\s*0|!=\s*['\"]{2}|is\s+defined)")


def conditions(verification: Verification) -> tuple[str, ...]:
    """What is written under `that`."""
    return tuple(text for kind in verification.kinds if isinstance(kind, That) for text in kind.that)


def judges_output(verifications: Iterable[Verification]) -> bool:
    """Whether one of them looks at what is said; that something is said is not enough, an error says something too."""
    for each in verifications:
        if any(isinstance(kind, Json | Matches) for kind in each.kinds):
            return True
        if any(_SAYS.search(text) and not _ANY.search(text) for text in conditions(each)):
            return True
    return False


def exit_codes(verifications: Iterable[Verification]) -> frozenset[int]:
    """The exit codes that they call good; 0 alone where none says so."""
    found = [kind.exit for each in verifications for kind in each.kinds if isinstance(kind, Exit)]
    return frozenset(code for codes in found for code in codes) if found else frozenset({0})
