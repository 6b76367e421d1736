"""`script`: a file that lies beside the runbook, done on the host by the interpreter in its first line."""

import shlex
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from runner.core.fields import Several
from runner.core.shell.shell_code import Code, script_code
from runner.core.templates import Template, verbatim
from runner.kinds.base import ReadFile
from runner.kinds.invocation import STRICT, Directory, Environment, Invocation, bounded
from runner.kinds.steps.base import StepKind
from runner.kinds.values import beside

LIMIT = 65_536
"""Bytes; Linux passes no argument longer than 131,072 bytes to a program."""

_INTERPRETERS = {"sh", "bash", "dash", "python3", "perl", "ruby"}


class ScriptStep(StepKind):
    """The file's text is compiled into the playbook, so that what was reviewed is what runs."""

    key = "script"
    example = """\
- id: smoke-test
  name: Test the shop as a customer does
  script: scripts/smoke-test.sh
  args: ["http://127.0.0.1:8080"]
  verify: [{exit: 0}]
"""
    text = "stdout"
    visible = ("args", "chdir")

    script: Annotated[str, beside("scripts/check.sh")]
    args: Several[Template] = Field(default=(), description="The arguments of the script")
    env: Environment = {}
    chdir: Directory = None

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The script's interpreter with the script's text as its program."""
        text = read_file(self.script)
        if len(text.encode()) > LIMIT:
            raise ValueError(f"{self.script} is longer than {LIMIT} bytes; install it on the host and use `command`")
        argv = [*_interpreter(self.script, text), verbatim(text), *_arguments(self.script, text, self.args)]
        return bounded(argv, timeout=timeout, chdir=self.chdir, environment=self.env)

    @property
    def compiled_files(self) -> tuple[str, ...]:
        """The script."""
        return (self.script,)

    def shell_code(self, read_file: ReadFile) -> Code | None:
        """The script's text, where a shell reads it."""
        return script_code(read_file(self.script), self.script)

    def describe(self) -> str:
        """The script with its arguments."""
        return " ".join((self.script, *self.args))


def _shebang(script: str, text: str) -> list[str]:
    first = text.splitlines()[0] if text else ""
    words = shlex.split(first[2:]) if first.startswith("#!") else []
    if words[:1] == ["/usr/bin/env"]:
        words = words[1:]
    if not words or PurePosixPath(words[0]).name not in _INTERPRETERS:
        raise ValueError(f"{script} must begin with #! and one of {', '.join(sorted(_INTERPRETERS))}")
    return words


def _is_shell(words: list[str]) -> bool:
    return PurePosixPath(words[0]).name in {"sh", "bash", "dash"}


def _interpreter(script: str, text: str) -> list[str]:
    words = _shebang(script, text)
    if PurePosixPath(words[0]).name == "bash":
        return list(STRICT)
    if _is_shell(words):
        return [words[0], "-eu", "-c"]
    return [*words, "-e" if PurePosixPath(words[0]).name in {"perl", "ruby"} else "-c"]


def _arguments(script: str, text: str, args: Several[str]) -> list[str]:
    words = _shebang(script, text)
    if _is_shell(words):
        # `sh -c TEXT NAME ARGS`: the word after the text is the script's own name, $0.
        return [PurePosixPath(script).name, *args]
    # Perl and Ruby would take an argument that begins with `-` for an option of theirs.
    return ["--", *args] if args and PurePosixPath(words[0]).name in {"perl", "ruby"} else list(args)
