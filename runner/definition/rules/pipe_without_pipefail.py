"""`pipe-without-pipefail`: a pipe of which only the last command can fail."""

from __future__ import annotations

from collections.abc import Iterator

from runner.definition.code import codes
from runner.definition.finding import Level
from runner.definition.rules.base import Criterion, Hit, Rule
from runner.definition.subject import Subject


def _find(subject: Subject) -> Iterator[Hit]:
    for code in codes(subject):
        piped = [each.commands[0] for each in code.pipelines() if len(each.commands) > 1 and each.commands[0]]
        if piped and not code.pipefail:
            message = f"when {piped[0][0]} fails, the pipe does not"
            hint = "write a `shell` step, which is strict, or begin with set -o pipefail in bash"
            yield Hit(code.work.place, message, hint)
        elif not code.in_shell and "|" in code.text.split():
            hint = "a command has no shell; write `shell`"
            yield Hit(code.work.place, "`|` is an argument here, and no pipe", hint)


RULE = Rule(
    id="pipe-without-pipefail",
    level=Level.ERROR,
    criterion=Criterion.VERIFIABLE,
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
    find=_find,
)
