"""Rules about shell code that does not fail when it should, or obeys what it should not."""

import re
from collections.abc import Iterator
from dataclasses import replace

from runner.core.shell.shell_code import Code
from runner.core.shell.shell_reader import Command
from runner.lint.lint_context import judges_output
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule, Work
from runner.model.step import Effect


@Rule(
    "pipe-without-pipefail",
    Level.ERROR,
    Criterion.VERIFIABLE,
    problem="Without pipefail a pipe succeeds when its last command does, whatever happened before; `shell` sets it.",
    wrong="""\
steps:
  - id: backup
    name: Write the backup
    command: [sh, -c, "pg_dump shop | gzip > /backup/shop.gz"]
    verify: [{exit: 0}]
""",
    right="""\
steps:
  - id: backup
    name: Write the backup
    shell: pg_dump shop | gzip > /backup/shop.gz
    verify: [{exit: 0}]
""",
)
def pipe_without_pipefail(context: LintContext) -> Iterator[Hit]:
    """A pipe of which only the last command can fail."""
    for work, code in context.codes():
        lax = next((each for each in code.pipelines if len(each.commands) > 1 and not each.strict), None)
        if lax:
            message = f"when {lax.commands[0].name} fails, the pipe does not"
            hint = "write a `shell` step, which is strict, or begin with set -o pipefail in bash"
            yield Hit(work.place, message, hint)
        elif "|" in code.words:
            hint = "a command has no shell; write `shell`"
            yield Hit(work.place, "`|` is an argument here, and no pipe", hint)


_PASS_ON = frozenset({"cat", "tee", "head", "tail", "sort", "wc", "column", "less"})
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


@Rule(
    "curl-without-fail",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="Without --fail curl ends with 0 whatever the server answered, so its exit code proves nothing.",
    wrong=_CURL,
    right=_CURL.replace("curl -s", "curl --fail -s"),
    fixes=True,
)
def curl_without_fail(context: LintContext) -> Iterator[Hit]:
    """A call of curl that ends with 0 though the answer is an error."""
    for hit in _without(context, "curl", "--fail", given=r"--fail(?:-with-body)?|-[a-zA-Z#]*f[a-zA-Z]*"):
        yield replace(hit, message="curl succeeds when the server answers 404 or 500", hint="add --fail")


@Rule(
    "jq-without-exit-status",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="Without -e jq ends with 0 when it prints false or null, so its exit code proves nothing.",
    wrong=_JQ,
    right=_JQ.replace("jq ", "jq -e "),
    fixes=True,
)
def jq_without_exit_status(context: LintContext) -> Iterator[Hit]:
    """A call of jq that ends with 0 though the answer is not the good one."""
    for hit in _without(context, "jq", "-e", given=r"--exit-status|-[a-zA-Z]*e[a-zA-Z]*"):
        message = "jq succeeds when the answer is false, null or absent"
        yield replace(hit, message=message, hint="add --exit-status (-e), or judge the output with `json`")


def _without(context: LintContext, program: str, option: str, *, given: str) -> Iterator[Hit]:
    """Each call of `program` that proves nothing without the `option`, which a word that matches `given` is."""
    for work, code in context.codes():
        if judges_output(work.judged_by):
            continue
        better = f"{program} {option}" if _fixable(context, work, code, program) else None
        for number, command in _unjudged(work, code, program):
            if not any(re.fullmatch(given, word) for word in command.words):
                yield Hit(work.place, "", fragment=program, nth=number, replacement=better)


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


_EMPTY = """\
steps:
  - id: sessions
    name: No session is left
    effect: read
    shell: test -z "$(psql -Atc 'SELECT pid FROM pg_stat_activity')"
    verify: [{exit: 0}]
"""
_UNSEEN = {
    "negated": ("makes it good that {} fails, for whatever cause", "leave it out, and say which `exit` code is good"),
    "ignored": ("says nothing here: bash goes on, whatever {} finds", "write it last, or: if ...; then exit 1; fi"),
    "tested": ("holds where {} fails as well, and prints nothing", 'write out=$(...) before it, and test "$out"'),
    "declared": ("hides it when {} fails", "set the variable first, and export or declare it in a line of its own"),
}


@Rule(
    "unseen-failure",
    Level.WARNING,
    Criterion.VERIFIABLE,
    problem="A command that could not look has not found nothing: both are green where its failure is not seen.",
    wrong=_EMPTY,
    right=_EMPTY.replace(
        """shell: test -z "$(psql -Atc 'SELECT pid FROM pg_stat_activity')\"""",
        """shell: |\n      out=$(psql -Atc 'SELECT pid FROM pg_stat_activity')\n      test -z "$out\"""",
    ),
)
def unseen_failure(context: LintContext) -> Iterator[Hit]:
    """A command of which a failure counts for nothing, or for success, where its exit code is the verdict."""
    for work, code in context.codes():
        verdict = (work.looks or work.step.effect is Effect.READ) and not judges_output(work.judged_by)
        for each in code.unseen_failures():
            if verdict or each.how == "declared":
                message, hint = _UNSEEN[each.how]
                what = each.written.split()[0]
                yield Hit(work.place, f"`{what}` {message.format(each.program)}", hint, fragment=each.written)


@Rule(
    "unquoted-value",
    Level.WARNING,
    Criterion.ACTIONABLE,
    problem="A value with a space, a quote or a semicolon in it becomes another command when it is pasted into code.",
    wrong="""\
inputs:
  report: {type: enum, values: [daily, year end], help: Which report}
steps:
  - {id: archive, name: Archive the report, shell: "gzip /srv/{{ report }}", verify: [{exit: 0}]}
""",
    right="""\
inputs:
  report: {type: enum, values: [daily, year end], help: Which report}
steps:
  - id: archive
    name: Archive the report
    shell: gzip "/srv/$REPORT"
    env: {REPORT: "{{ report }}"}
    verify: [{exit: 0}]
""",
    fixes=True,
)
def unquoted_value(context: LintContext) -> Iterator[Hit]:
    """A value from outside that is pasted into shell code."""
    for work, code in context.codes():
        if code.in_shell and code.text == str(context.written(work.place)).strip():
            once = [each.template for each in code.pasted()]
            for reading in code.obeyed():
                if not once and reading.kind == "shell":
                    message = f"{_template(reading.template)} is code to a second shell, that of {reading.reader}"
                    yield Hit(work.place, message, "add a `| quote` for each shell that reads it")
            for template, nth, within_quotes in code.pasted():
                if template.startswith("{{"):
                    better = None if within_quotes else re.sub(r"\s*(-?\}\})$", r" | quote \1", template)
                    message = f"{_template(template)} is pasted into shell code"
                    hint = "give it through `env`, or add `| quote`"
                    yield Hit(work.place, message, hint, fragment=template, nth=nth, replacement=better)


def _template(piece: str) -> str:
    inner = re.sub(r"^\{\{[-+]?|[-+]?\}\}$", "", piece).strip()
    return f"{{{{ {inner} }}}}"
