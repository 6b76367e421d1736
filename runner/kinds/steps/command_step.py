"""`command`: a program with arguments, without a shell."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from runner.kinds.invocation import Environment, Invocation, Template, bounded
from runner.kinds.steps.base import ReadFile, StepKind
from runner.kinds.verifications.command_probe import Arguments


class Command(StepKind):
    """Each `{{ template }}` stays within its argument, so a value cannot become a second command."""

    key = "command"
    text = "stdout"

    command: Arguments
    env: Environment = {}
    chdir: Template | None = None
    stdin: Template | None = None

    @property
    def good(self) -> Mapping[str, Collection[int]]:
        """Success, where no `exit` says otherwise."""
        return {"rc": (0,)}

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The program under `timeout`."""
        del read_file
        newline = None if self.stdin is None else False  # exactly what is written, and no line break more
        options = {"chdir": self.chdir, "stdin_add_newline": newline, "environment": self.env}
        return bounded(self.command, timeout=timeout, stdin=self.stdin, **options)

    def describe(self) -> str:
        """The command line."""
        return " ".join(self.command)
