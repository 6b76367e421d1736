"""The shell code and the command lines of a runbook, and the calls in them of which only the exit code counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from runner.core.shell.command_wrappers import SHELLS, sets_pipefail, started
from runner.core.shell.shell_reader import Command, Pipeline, Shell, of_arguments
from runner.kinds.steps.script_step import Script
from runner.kinds.steps.shell_step import Shell as ShellStep
from runner.lint.lint_context import Subject, Work


@dataclass(frozen=True)
class Code:
    """What is done in the words of a shell.

    `in_shell` is whether a shell reads it, else it is one program with arguments; `pipefail` whether a pipeline fails
    when any of its commands does.
    """

    work: Work
    text: str
    in_shell: bool
    pipefail: bool

    @cached_property
    def shell(self) -> Shell:
        """The text as a shell takes it apart."""
        return Shell(self.text, strict=self.pipefail)

    @cached_property
    def pipelines(self) -> list[Pipeline]:
        """The pipelines in order; none where the text is not understood."""
        return self.shell.pipelines() if self.in_shell else of_arguments(argv(self.work))

    def commands(self) -> list[Command]:
        """Every command, those of substitutions as well."""
        if self.in_shell:
            return self.shell.commands()
        return [command for pipeline in self.pipelines for command in pipeline.commands]


def codes(subject: Subject) -> Iterator[Code]:
    """Every piece of shell code, and every command line, of `subject`."""
    for work in subject.works():
        yield from codes_of(subject, work)


def codes_of(subject: Subject, work: Work) -> Iterator[Code]:
    """The code of one `work`; none where it is something else."""
    if isinstance(work.kind, ShellStep):
        lax = re.search(r"\+o\s+pipefail", work.kind.shell) is not None
        yield Code(work, work.kind.shell, in_shell=True, pipefail=not lax)
    elif isinstance(work.kind, Script):
        yield from _script(subject, work, work.kind)
    elif arguments := argv(work):
        begun = started(arguments)
        if begun.code is not None and "ssh" not in begun.through:
            yield Code(work, begun.code, in_shell=True, pipefail=begun.strict)
        else:
            yield Code(work, " ".join(arguments), in_shell=False, pipefail=True)


def argv(work: Work) -> list[str]:
    """The program of a `command` with its arguments; empty for every other kind."""
    arguments = getattr(work.kind, "command", ())
    return list(arguments) if isinstance(arguments, tuple) else []


def _script(subject: Subject, work: Work, kind: Script) -> Iterator[Code]:
    try:
        text = subject.source.read_file(kind.script)
    except ValueError:
        return
    words = text.partition("\n")[0].removeprefix("#!").split()
    name = next((PurePosixPath(word).name for word in words if not word.endswith("/env")), "")
    if text.startswith("#!") and name in SHELLS:
        yield Code(work, text, in_shell=True, pipefail=name == "bash" or sets_pipefail(text))


def without_remarks(text: str) -> str:
    """`text` with spaces in the place of its comments, so that the rest stands where it did."""
    for each in Shell(text).comments():
        text = text[: each.start] + " " * len(each) + text[each.stop :]
    return text


_PASS_ON = frozenset({"cat", "tee", "head", "tail", "sort", "wc", "column", "less"})


def unjudged(code: Code, program: str) -> Iterator[tuple[int, Command]]:
    """Each call of `program` whose exit code is all that counts, with its number among the words that are written so.

    What goes into a file, or into another program that judges it, is left out.
    """
    for pipeline in code.pipelines:
        for place, command in enumerate(pipeline.commands):
            kept = command.into_file and not code.work.looks
            later = pipeline.commands[place + 1 :]
            if command.name == program and not kept and all(each.name in _PASS_ON for each in later):
                yield code.text[: command.offset].count(program), command


def fixable(subject: Subject, code: Code, program: str) -> bool:
    """Whether each call of `program` may be written anew where it stands in the runbook's file."""
    calls = sum(command.name == program for command in code.commands())
    written = subject.written(code.work.place)
    return isinstance(written, str) and written.count(program) == calls and code.work.kind.key != "script"


# What a login, or bash itself, sets: https://www.gnu.org/software/bash/manual/html_node/Bash-Variables.html
_LOGIN = """
BASH BASHPID BASH_REMATCH BASH_SOURCE BASH_VERSION BASH_VERSINFO COLUMNS EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS
HOME HOSTNAME HOSTTYPE IFS LANG LC_ALL LINENO LINES LOGNAME MACHTYPE MAIL OLDPWD OPTARG OPTIND OSTYPE PATH PIPESTATUS
PPID PS1 PS2 PS3 PS4 PWD RANDOM REPLY SECONDS SHELL SHELLOPTS SHLVL SRANDOM SUDO_USER TERM TMPDIR TZ UID USER _
"""
_GIVEN = frozenset(_LOGIN.split())
_COMMAND_USED = re.compile(r"(?<!\\)\$(?:\{([A-Za-z_]\w*)\}|([A-Z][A-Z0-9_]+)\b)")
_PROGRAMS = (
    "awk gawk mawk perl ruby python python3 lua jq yq sed grep envsubst mongo mongosh ssh find psql mysql php node pwsh"
)
_EXPAND = frozenset(_PROGRAMS.split())
"""Programs that fill in, or mean something else by, a dollar sign."""


def unset(code: Code, given: Collection[str]) -> list[str]:
    """The variables that `code` uses and that neither it, nor `given`, nor a login sets, in the order of their use."""
    if code.work.kind.key == "script":
        return []  # it is a file of its own, with arguments
    if code.in_shell:
        known = {*given, *_GIVEN, *code.shell.assigned()}
        found = code.shell.used() if code.shell.understood else []
        return [name for name in found if name not in known and not name.isdigit()]
    commands = code.commands()
    if any(_EXPAND & {each.name, *each.through} for each in commands):
        return []
    return list(dict.fromkeys(match[1] or match[2] for match in _COMMAND_USED.finditer(code.text)))
