"""`command`: a program with arguments, without a shell."""

import shlex
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import Field

from runner.core.templates import Template
from runner.kinds.base import ReadFile
from runner.kinds.invocation import Directory, Invocation, bounded
from runner.kinds.steps.base import Fence, StepKind
from runner.kinds.verifications.command_probe import CommandKind


class CommandStep(CommandKind, StepKind):
    """Each `{{ template }}` stays within its argument, so a value cannot become a second command."""

    example = """\
- id: reload
  name: Reload the web server
  command: systemctl reload nginx
  verify: [{exit: 0}]
"""

    fence = Fence("bash")

    chdir: Directory = None
    stdin: Template | None = Field(default=None, description="What the program reads from standard input")

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The program under `timeout`."""
        newline = None if self.stdin is None else False  # exactly what is written, and no line break more
        options = {"chdir": self.chdir, "stdin_add_newline": newline, "environment": self.env}
        return bounded(self.command, timeout=timeout, stdin=self.stdin, **options)

    @classmethod
    def fenced(cls, written: Mapping[str, Any]) -> str:
        """The command line."""
        command = written.get("command")
        return shlex.join(map(str, command)) if isinstance(command, list) else super().fenced(written)

    def describe(self) -> str:
        """The command line."""
        return " ".join(self.command)
