"""`unquoted-value`: a value from outside that is pasted into shell code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from runner.definition.finding import Level
from runner.definition.rules.base import Criterion, Hit, Rule
from runner.definition.subject import Subject
from runner.steps.shell import Shell
from runner.tasks import pieces

_QUOTED = re.compile(r"\|\s*quote\s*-?\}\}$")


def _find(subject: Subject) -> Iterator[Hit]:
    for work in subject.works():
        if isinstance(work.kind, Shell):
            yield from _pasted(work.place, work.kind.shell)


def _pasted(place: tuple[str | int, ...], shell: str) -> Iterator[Hit]:
    before, seen = "", Counter[str]()
    for is_template, piece in pieces(shell):
        if is_template and piece.startswith("{{") and not _QUOTED.search(piece):
            inside = before.count('"') % 2 or before.count("'") % 2
            better = None if inside else re.sub(r"\s*(-?\}\})$", r" | quote \1", piece)
            message = f"{_shown(piece)} is pasted into shell code"
            hint = "give it through `env`, or add `| quote`"
            yield Hit(place, message, hint, fragment=piece, nth=seen[piece], replacement=better)
        seen[piece] += is_template
        before += "x" if is_template else piece


def _shown(piece: str) -> str:
    inner = re.sub(r"^\{\{[-+]?|[-+]?\}\}$", "", piece).strip()
    return f"{{{{ {inner} }}}}"


RULE = Rule(
    id="unquoted-value",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
    problem="A value with a space, a quote or a semicolon in it becomes another command when it is pasted into code.",
    wrong="""\
inputs: {path: {help: What to delete}}
steps:
  - {id: archive, name: Archive the report, shell: "gzip {{ path }}", verify: [{exit: 0}]}
""",
    right="""\
inputs: {path: {help: What to delete}}
steps:
  - {id: archive, name: Archive the report, shell: 'gzip "$REPORT"', env: {REPORT: "{{ path }}"}, verify: [{exit: 0}]}
""",
    find=_find,
    fixes=True,
)
