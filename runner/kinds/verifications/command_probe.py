"""`command`: a command on the host that only looks, judged by its output."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from runner.core.fields import Keywords, Several, Short
from runner.kinds.invocation import Environment, Invocation, Template, bounded, split
from runner.kinds.verifications.base import VerificationKind


def _split(command: object) -> object:
    return split(command) if isinstance(command, str) else command


def _not_empty(arguments: tuple[str, ...]) -> tuple[str, ...]:
    if not arguments or not arguments[0]:
        raise ValueError("names no program")
    return arguments


Arguments = Annotated[
    Several[Template], AfterValidator(_not_empty), Keywords(minItems=1), BeforeValidator(_split), Short(type="string")
]
"""An argument vector, or the command line that a shell would split into it."""


class Command(VerificationKind):
    """The command's `rc`, `stdout`, `stderr` and `json` are there to judge; without a condition it must exit 0."""

    key = "command"
    text = "stdout"

    command: Arguments
    env: Environment = {}

    def probe(self, timeout: timedelta) -> Invocation:
        """The command, without a shell."""
        return bounded(self.command, timeout=timeout, environment=self.env)

    def default_conditions(self) -> Sequence[str]:
        """Success."""
        return ("rc == 0",)

    def describe(self) -> str:
        """The command line."""
        return f"{' '.join(self.command)} succeeds"
