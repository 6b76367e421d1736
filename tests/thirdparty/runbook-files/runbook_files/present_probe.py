"""`present`: a file that must be there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from runner.core.templates import Template
from runner.kinds.invocation import Invocation, bounded
from runner.kinds.verifications.base import VerificationKind


class Present(VerificationKind):
    """The path of a file that must be there."""

    key = "present"
    text = "stdout"

    present: Template

    def probe(self, timeout: timedelta) -> Invocation:
        """A look at it."""
        return bounded(["stat", self.present], timeout=timeout)

    def default_conditions(self) -> Sequence[str]:
        """It is there."""
        return ("rc == 0",)

    def describe(self) -> str:
        """In words."""
        return f"{self.present} is there"
