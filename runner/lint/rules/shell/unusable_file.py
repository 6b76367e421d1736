"""`unusable-file`: a script that is not there, or does not say what runs it."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule


def _find(context: LintContext) -> Iterator[Hit]:
    for work in context.works():
        try:
            work.kind.call(work.step.timeout, context.source.read_file)
        except ValueError as error:
            yield Hit(work.place, str(error))


RULE = Rule(
    id="unusable-file",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="A script is compiled into the playbook, so it must lie beside the runbook and name its interpreter.",
    wrong="steps:\n  - {id: smoke, name: Run the smoke tests, script: scripts/absent.sh, verify: [{exit: 0}]}\n",
    right="steps:\n  - {id: smoke, name: Run the smoke tests, script: scripts/smoke.sh, verify: [{exit: 0}]}\n",
    find=_find,
)
