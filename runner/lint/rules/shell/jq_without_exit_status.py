"""`jq-without-exit-status`: jq ends with 0 when what it was asked for is false or absent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.lint.shell_code import codes, fixable, unjudged
from runner.model.checks.exit_code_use import judges_output
from runner.model.yaml.finding import Level

_FAILS = re.compile(r"--exit-status|-[a-zA-Z]*e[a-zA-Z]*")


def _find(subject: Subject) -> Iterator[Hit]:
    for code in codes(subject):
        if judges_output(code.work.judged_by):
            continue
        for number, command in unjudged(code, "jq"):
            if not any(_FAILS.fullmatch(word) for word in command.words):
                yield Hit(
                    code.work.place,
                    "jq succeeds when the answer is false, null or absent",
                    "add --exit-status (-e), or judge the output with `json`",
                    fragment="jq",
                    nth=number,
                    replacement="jq -e" if fixable(subject, code, "jq") else None,
                )


RULE = Rule(
    id="jq-without-exit-status",
    level=Level.WARNING,
    criterion=Criterion.VERIFIABLE,
    problem="Without -e jq ends with 0 when it prints false or null, so its exit code proves nothing.",
    wrong="""\
steps:
  - id: health
    name: Ask the service for its health
    effect: read
    shell: curl --fail -s http://127.0.0.1:8000/health | jq '.database == "up"'
    verify: [{exit: 0}]
""",
    right="""\
steps:
  - id: health
    name: Ask the service for its health
    effect: read
    shell: curl --fail -s http://127.0.0.1:8000/health | jq -e '.database == "up"'
    verify: [{exit: 0}]
""",
    find=_find,
    fixes=True,
)
