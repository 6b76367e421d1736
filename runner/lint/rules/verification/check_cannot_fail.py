"""`check-cannot-fail`: a verification that is green whatever happened."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from runner.core.shell.shell_code import Code
from runner.core.shell.shell_reader import Command
from runner.kinds.base import Kind
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, Work
from runner.model.checks.condition_truth import accepts, always
from runner.model.checks.exit_code_use import exit_codes, judges_output
from runner.model.verification import Verification

_SAYS_THE_SAME = frozenset({"true", ":", "echo", "printf"})
_SUCCEEDS = "date env hostname id pwd sleep sync uname uptime whoami"
_ALWAYS = _SAYS_THE_SAME | frozenset(_SUCCEEDS.split())
_COMPARES = frozenset({"=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
_TWO_ENDED = frozenset({"test", "[", "[["})
_HINT = "look at what the step was to bring about"


def _find(context: LintContext) -> Iterator[Hit]:
    for place, step, verification in context.verifications():
        done = step.undo if step.undo and "undo" in place else step
        kinds = [kind for kind in (*verification.kinds, done.action) if kind]
        yield from _conditions(context, place, verification, kinds)
    for work, code in context.codes():
        yield from _code(work, code)


def _conditions(context: LintContext, place: Place, verification: Verification, kinds: Sequence[Kind]) -> Iterator[Hit]:
    """What `verification`, which looks at what `kinds` gave, asks for in vain."""
    written = context.written((*place, "that"))
    expressions = verification.expressions
    certain = [number for number, text in enumerate(expressions) if always(_counting(text, kinds), holds=True)]
    for number in certain:
        where = (*place, "that", number) if isinstance(written, list) else (*place, "that")
        yield Hit(where, "always holds, whatever the result is", _HINT)
    judges = expressions and not certain and any(kind.has_status for kind in kinds)
    if judges and all(accepts(text, status=good) for text in expressions for good in (200, 500)):
        yield Hit((*place, "that"), "is green when the server answers 500, too", "write that: status == 200")


def _counting(text: str, kinds: Sequence[Kind]) -> str:
    """The condition `text` with the columns that an SQL statement counts called so, which are never less than 0."""
    for kind in kinds:
        for name in re.findall(r"(?i)\bcount\s*\([^)]*\)\s+(?:as\s+)?(\w+)", kind.sql_statement):
            text = re.sub(rf"\brow\.{name}\b", f"row.{name}_count", text)
    return text


def _code(work: Work, code: Code) -> Iterator[Hit]:
    by_output = judges_output(work.judged_by)
    constant = work.looks and _constant(code, _SAYS_THE_SAME if by_output else _ALWAYS)
    if by_output and not constant:
        return
    found = code.pipelines
    last = found[-1].commands[-1] if found else Command(())
    if constant:
        yield Hit(work.place, f"`{last.name}` always succeeds", _HINT)
    elif last.name in _TWO_ENDED and {0, 1} <= exit_codes(work.judged_by):
        yield Hit(work.place, f"`{last.name}` ends with 0 or 1, and both are called good", "write exit: 0")
    elif {0, 1, 2} <= exit_codes(work.judged_by):
        yield Hit(work.place, "0, 1 and 2 are called good, and with these programs end that failed", "write exit: 0")
    elif fragment := _masked(work, code):
        yield Hit(work.place, f"`{fragment}` makes it succeed whatever happened", "leave it out", fragment=fragment)


def _constant(code: Code, harmless: Collection[str]) -> bool:
    commands = [command for pipeline in code.pipelines for command in pipeline.commands]
    return (
        bool(commands)
        and all(each.name in harmless or each.words == ("exit", "0") or _of_constants(each) for each in commands)
        and not any(mark in code.text for mark in ("{{", "$", "`"))
    )


def _of_constants(command: Command) -> bool:
    """Whether it is a test that compares what is written there."""
    return command.name in _TWO_ENDED and not _COMPARES.isdisjoint(command.words)


def _masked(work: Work, code: Code) -> str:
    """What makes shell code succeed whatever its last command but one did."""
    found = code.pipelines if code.in_shell else []
    if len(found) < 2 or not work.judged_by:  # noqa: PLR2004 - something, and what hides its failure
        return ""
    before, last = found[-2].then, found[-1].commands[-1]
    good = last.name in _ALWAYS or last.words == ("exit", "0")
    if good and before == "||":
        return f"|| {last.name}"
    return last.name if good and not code.errexit and before in {";", ""} else ""


_WRONG = """\
steps:
  - id: restart
    name: Restart the web server
    command: systemctl restart nginx
    verify:
      - {says: The web server runs, command: "true"}
"""

RULE = Rule(
    id="check-cannot-fail",
    level=Level.ERROR,
    criterion=Criterion.VERIFIABLE,
    problem="A check that is green whatever happened is worse than none: it says that somebody looked.",
    wrong=_WRONG,
    right=_WRONG.replace('command: "true"', "command: systemctl is-active nginx"),
    find=_find,
    gives_way_to=("placeholder-command",),
)
