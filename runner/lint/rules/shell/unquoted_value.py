"""`unquoted-value`: a value from outside that is pasted into shell code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule


def _find(context: LintContext) -> Iterator[Hit]:
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


RULE = Rule(
    id="unquoted-value",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
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
    find=_find,
    fixes=True,
)
