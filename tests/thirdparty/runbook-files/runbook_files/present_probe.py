"""`present`: a file that must be there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
        """A look at it, whose result has the file's size."""
        call = bounded(["stat", "--format=%s", self.present], timeout=timeout)
        return replace(call, names={**call.names, "size": "REGISTER.stdout | int"})

    def default_conditions(self) -> Sequence[str]:
        """It is there."""
        return ("rc == 0",)

    def describe(self) -> str:
        """In words."""
        return f"{self.present} is there"
