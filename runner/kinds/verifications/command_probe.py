"""`command`: a command on the host that only looks, judged by its output."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from runner.core.fields import Keywords, Several, Short
from runner.core.shell.rereading import Reading, given_as_code, names_obeyed
from runner.core.shell.shell_code import Code, command_line
from runner.core.templates import Template, split
from runner.kinds.base import Kind, ReadFile
from runner.kinds.invocation import Environment, Invocation, bounded
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


class CommandKind(Kind):
    """One program with its arguments, without a shell."""

    key = "command"
    text = "stdout"
    visible = ("command", "chdir")

    command: Arguments
    env: Environment = {}

    @property
    def canonical(self) -> str:
        """The command line, or the code in `bash -c CODE`."""
        if len(self.command) > 2 and re.fullmatch(r"-[a-z]*c", self.command[-2]):  # noqa: PLR2004
            return " ".join(self.command[-1].split())
        return super().canonical

    def shell_code(self, read_file: ReadFile) -> Code:
        """The command line."""
        return command_line(self.command, self.env)

    @classmethod
    def obeyed(cls, written: Mapping[str, Any]) -> Mapping[str, Reading]:
        """What the program, or one that it starts, takes for code of its arguments and of its standard input."""
        command, env, stdin = written.get("command"), written.get("env"), written.get("stdin")
        words = split(command) if isinstance(command, str) else list(map(str, command or ()))
        stdin = stdin if isinstance(stdin, str) else ""
        readings = list(given_as_code(words, env if isinstance(env, dict) else {}, stdin=stdin))
        return names_obeyed(readings, " ".join([*words, stdin]))


class CommandProbe(CommandKind, VerificationKind):
    """The command's `rc`, `stdout`, `stderr` and `json` are there to judge; without a condition it must exit 0."""

    example = "- {says: The configuration is valid, command: nginx -t}"

    def probe(self, timeout: timedelta) -> Invocation:
        """The command, without a shell."""
        return bounded(self.command, timeout=timeout, environment=self.env)

    def default_conditions(self) -> Sequence[str]:
        """Success."""
        return ("rc == 0",)

    def describe(self) -> str:
        """The command line."""
        return f"{' '.join(self.command)} succeeds"
