"""`curl-without-fail` and `jq-without-exit-status`: programs that end with 0 though the answer is not the good one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from runner.core.shell.shell_code import Code
from runner.core.shell.shell_reader import Command
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule, Work
from runner.model.checks.exit_code_use import judges_output

_PASS_ON = frozenset({"cat", "tee", "head", "tail", "sort", "wc", "column", "less"})


def _find(program: str, option: str, fails: str, message: str, hint: str) -> Callable[[LintContext], Iterator[Hit]]:
    """The rule that asks for an `option` of `program`; it is given where a word matches `fails`."""

    def find(context: LintContext) -> Iterator[Hit]:
        for work, code in context.codes():
            if judges_output(work.judged_by):
                continue
            better = f"{program} {option}" if _fixable(context, work, code, program) else None
            for number, command in _unjudged(work, code, program):
                if not any(re.fullmatch(fails, word) for word in command.words):
                    yield Hit(work.place, message, hint, fragment=program, nth=number, replacement=better)

    return find


def _unjudged(work: Work, code: Code, program: str) -> Iterator[tuple[int, Command]]:
    """Each call of `program` whose exit code is all that counts, with its number among the words that are written so.

    What goes into a file, or into another program that judges it, is left out.
    """
    for pipeline in code.pipelines:
        for place, command in enumerate(pipeline.commands):
            stored = command.into_file and not work.looks
            later = pipeline.commands[place + 1 :]
            if command.name == program and not stored and all(each.name in _PASS_ON for each in later):
                yield code.text[: command.offset].count(program), command


def _fixable(context: LintContext, work: Work, code: Code, program: str) -> bool:
    """Whether each call of `program` may be written anew where it stands in the runbook's file."""
    calls = sum(command.name == program for command in code.commands())
    written = context.written(work.place)
    return isinstance(written, str) and written.count(program) == calls and not code.file


_CURL = """\
steps:
  - id: health
    name: Ask the service for its health
    effect: read
    command: curl -s http://127.0.0.1:8000/health
    verify: [{exit: 0}]
"""
_JQ = _CURL.replace(
    "command: curl -s http://127.0.0.1:8000/health",
    "shell: curl --fail -s http://127.0.0.1:8000/health | jq '.database == \"up\"'",
)

CURL = Rule(
    id="curl-without-fail",
    level=Level.WARNING,
    criterion=Criterion.VERIFIABLE,
    problem="Without --fail curl ends with 0 whatever the server answered, so its exit code proves nothing.",
    wrong=_CURL,
    right=_CURL.replace("curl -s", "curl --fail -s"),
    find=_find(
        "curl",
        "--fail",
        fails=r"--fail(?:-with-body)?|-[a-zA-Z#]*f[a-zA-Z]*",
        message="curl succeeds when the server answers 404 or 500",
        hint="add --fail",
    ),
    fixes=True,
)
JQ = Rule(
    id="jq-without-exit-status",
    level=Level.WARNING,
    criterion=Criterion.VERIFIABLE,
    problem="Without -e jq ends with 0 when it prints false or null, so its exit code proves nothing.",
    wrong=_JQ,
    right=_JQ.replace("jq ", "jq -e "),
    find=_find(
        "jq",
        "-e",
        fails=r"--exit-status|-[a-zA-Z]*e[a-zA-Z]*",
        message="jq succeeds when the answer is false, null or absent",
        hint="add --exit-status (-e), or judge the output with `json`",
    ),
    fixes=True,
)
