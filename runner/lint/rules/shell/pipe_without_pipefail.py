"""`pipe-without-pipefail`: a pipe of which only the last command can fail."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule


def _find(context: LintContext) -> Iterator[Hit]:
    for work, code in context.codes():
        lax = next((each for each in code.pipelines if len(each.commands) > 1 and not each.strict), None)
        if lax:
            message = f"when {lax.commands[0].name} fails, the pipe does not"
            hint = "write a `shell` step, which is strict, or begin with set -o pipefail in bash"
            yield Hit(work.place, message, hint)
        elif "|" in code.words:
            hint = "a command has no shell; write `shell`"
            yield Hit(work.place, "`|` is an argument here, and no pipe", hint)


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
