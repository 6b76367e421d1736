"""Command lines as a shell takes them apart: pipelines, and in each the program with its arguments."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from runner.definition.subject import Subject, Work
from runner.steps.script import Script
from runner.steps.shell import Shell

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_SUBSTITUTION = re.compile(r"\$\((?!\()[^()]*\)|`[^`]*`")
_COMMENT = re.compile(r"(?m)(?:^|(?<=\s))#.*$")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_OPERATOR = re.compile(r"[;&|()\n]+")
_WORDS = frozenset({"if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "exec", "command"})
_WRAPPERS = frozenset({"sudo", "env", "nohup", "nice", "ionice", "timeout", "stdbuf"})


@dataclass(frozen=True, slots=True)
class Code:
    """What is done in the words of a shell.

    `in_shell` is whether a shell reads it, else it is one program with arguments; `pipefail` whether a pipeline fails
    when any of its commands does.
    """

    work: Work
    text: str
    in_shell: bool
    pipefail: bool

    def pipelines(self) -> list[Pipeline]:
        """The pipelines in order; none where the text is not understood."""
        return pipelines(self.text) if self.in_shell else [Pipeline((tuple(_program(argv(self.work))),), "")]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`, each as words, and the operator that stands behind them."""

    commands: tuple[tuple[str, ...], ...]
    then: str


def codes(subject: Subject) -> Iterator[Code]:
    """Every piece of shell code, and every command line, of `subject`."""
    for work in subject.works():
        yield from codes_of(subject, work)


def codes_of(subject: Subject, work: Work) -> Iterator[Code]:
    """The code of one `work`; none where it is something else."""
    if isinstance(work.kind, Shell):
        lax = re.search(r"\+o\s+pipefail", work.kind.shell) is not None
        yield Code(work, work.kind.shell, in_shell=True, pipefail=not lax)
    elif isinstance(work.kind, Script):
        yield from _script(subject, work, work.kind)
    elif arguments := argv(work):
        yield _command(work, arguments)


def argv(work: Work) -> list[str]:
    """The program of a `command` with its arguments; empty for every other kind."""
    arguments = getattr(work.kind, "command", ())
    return list(arguments) if isinstance(arguments, tuple) else []


def _command(work: Work, arguments: Sequence[str]) -> Code:
    words = _program(arguments)
    if words and PurePosixPath(words[0]).name in _SHELLS:
        flags = next((n for n, word in enumerate(words) if re.fullmatch(r"-[a-z]*c", word)), None)
        if flags is not None and len(words) > flags + 1:
            text = words[flags + 1]
            return Code(work, text, in_shell=True, pipefail="pipefail" in words[:flags] or _sets_pipefail(text))
    return Code(work, " ".join(arguments), in_shell=False, pipefail=True)


def _sets_pipefail(text: str) -> bool:
    return re.search(r"set\s+-[a-z]*o\s+pipefail", text) is not None


def _script(subject: Subject, work: Work, kind: Script) -> Iterator[Code]:
    try:
        text = subject.source.read_file(kind.script)
    except ValueError:
        return
    words = text.partition("\n")[0].removeprefix("#!").split()
    name = next((PurePosixPath(word).name for word in words if not word.endswith("/env")), "")
    if text.startswith("#!") and name in _SHELLS:
        yield Code(work, text, in_shell=True, pipefail=name == "bash" or _sets_pipefail(text))


def plain(text: str) -> str:
    """`text` with an `x` for each template and substitution: what they give is looked at where it is used."""
    text, before = _TEMPLATE.sub("x", text), ""
    while text != before:
        text, before = _SUBSTITUTION.sub("x", text), text
    return _COMMENT.sub("", text)


def remarks(text: str) -> list[range]:
    """Where the comments of a shell's `text` are; a `#` within quotation marks begins none."""
    found = []
    for match in _COMMENT.finditer(text):
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if before.count('"') % 2 == before.count("'") % 2 == 0:
            found.append(range(*match.span()))
    return found


def without_remarks(text: str) -> str:
    """`text` with spaces in the place of its comments, so that the rest stands where it did."""
    for each in remarks(text):
        text = text[: each.start] + " " * len(each) + text[each.stop :]
    return text


def pipelines(text: str) -> list[Pipeline]:
    """The pipelines of a shell's `text`; none where a quotation is not closed."""
    joined = plain(text).replace("\\\n", " ")
    scanner = shlex.shlex(joined, posix=True, punctuation_chars=";&|()\n")
    scanner.whitespace, scanner.commenters, scanner.whitespace_split = " \t\r", "", True
    try:
        words = list(scanner)
    except ValueError:
        return []
    found: list[Pipeline] = []
    commands: list[list[str]] = [[]]
    for word in [*words, "\n"]:
        if not _OPERATOR.fullmatch(word):
            commands[-1].append(word)
        elif word.strip() in {"|", "|&"}:
            commands.append([])
        else:
            found.append(Pipeline(tuple(tuple(_program(each)) for each in commands), word.strip()))
            commands = [[]]
    return [each for each in found if any(each.commands)]


def _program(words: Sequence[str]) -> list[str]:
    """`words` from the program on: without the shell's own words, assignments, and programs that start another."""
    rest = list(words)
    while rest:
        name = PurePosixPath(rest[0]).name
        if name in _WORDS or _ASSIGNMENT.match(rest[0]):
            del rest[0]
        elif name in _WRAPPERS and len(rest) > 1:
            del rest[0]
            while rest and (rest[0].startswith("-") or re.fullmatch(r"[0-9.]+[smhd]?", rest[0])):
                del rest[0]
        else:
            return [name, *rest[1:]]
    return []


_INTO_FILE = re.compile(r"(?<![0-9&])>>?\s*(?!/dev/null|&)\S")
_PASS_ON = frozenset({"cat", "tee", "head", "tail", "sort", "wc", "column", "less"})


def certain(code: Code, program: str) -> bool:
    """Whether `program` is written in `code` only where it is called, so that the calls can be told by counting."""
    calls = sum(command[:1] == (program,) for each in code.pipelines() for command in each.commands)
    return code.text.count(program) == calls


def unjudged(code: Code, program: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each call of `program` whose exit code is all that counts, with its number among the calls (from 0).

    What goes into a file, or into another program that judges it, is left out.
    """
    number = -1
    for pipeline in code.pipelines():
        for place, command in enumerate(pipeline.commands):
            number += command[:1] == (program,)
            later = pipeline.commands[place + 1 :]
            into_file = _INTO_FILE.search(" ".join(command)) is not None and not code.work.looks
            if command[:1] == (program,) and all(each[:1] and each[0] in _PASS_ON for each in later) and not into_file:
                yield number, command
