"""`curl-without-fail`: curl ends with 0 when the server answers with an error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.lint.shell_code import codes, fixable, unjudged
from runner.model.checks.exit_code_use import judges_output
from runner.model.yaml.finding import Level

_FAILS = re.compile(r"--fail(?:-with-body)?|-[a-zA-Z#]*f[a-zA-Z]*")


def _find(subject: Subject) -> Iterator[Hit]:
    for code in codes(subject):
        if judges_output(code.work.judged_by):
            continue
        for number, command in unjudged(code, "curl"):
            if not any(_FAILS.fullmatch(word) for word in command.words):
                yield Hit(
                    code.work.place,
                    "curl succeeds when the server answers 404 or 500",
                    "add --fail",
                    fragment="curl",
                    nth=number,
                    replacement="curl --fail" if fixable(subject, code, "curl") else None,
                )


RULE = Rule(
    id="curl-without-fail",
    level=Level.WARNING,
    criterion=Criterion.VERIFIABLE,
    problem="Without --fail curl ends with 0 whatever the server answered, so its exit code proves nothing.",
    wrong="""\
steps:
  - id: health
    name: Ask the service for its health
    effect: read
    command: curl -s http://127.0.0.1:8000/health
    verify: [{exit: 0}]
""",
    right="""\
steps:
  - id: health
    name: Ask the service for its health
    effect: read
    command: curl --fail -s http://127.0.0.1:8000/health
    verify: [{exit: 0}]
""",
    find=_find,
    fixes=True,
)
