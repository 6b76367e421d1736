"""`files-in-tmp`: a file that is made where a reboot removes it."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule


def _find(context: LintContext) -> Iterator[Hit]:
    for work in context.works():
        for line in work.kind.written_text.splitlines():
            if line.startswith("create /tmp/"):
                yield Hit(work.place, f"{line!r} is gone after a reboot", "choose another directory", fragment=line)


RULE = Rule(
    id="files-in-tmp",
    level=Level.WARNING,
    criterion=Criterion.ACTIONABLE,
    problem="A file below /tmp is gone after a reboot, and the next step does not find it.",
    wrong="steps: [{id: mark, name: Leave a mark, files: create /tmp/mark, verify: [{present: /tmp/mark}]}]\n",
    right="steps: [{id: mark, name: Leave a mark, files: create /srv/mark, verify: [{present: /srv/mark}]}]\n",
    find=_find,
)
