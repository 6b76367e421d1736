"""`unknown-approval-group`: an approval by a group that contacts.yml does not know."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.model.yaml.finding import Level, did_you_mean


def _find(subject: Subject) -> Iterator[Hit]:
    for place, approval in subject.approvals():
        if approval.group and approval.group not in subject.contacts:
            known = f"contacts.yml knows {', '.join(subject.contacts) or 'nobody'}"
            hint = did_you_mean(approval.group, subject.contacts) or known
            yield Hit((*place, "group"), f"no group is called {approval.group!r}, so nobody may approve", hint)


RULE = Rule(
    id="unknown-approval-group",
    level=Level.ERROR,
    criterion=Criterion.ESCALATABLE,
    problem="A step that only a group may approve waits for ever when contacts.yml does not know the group.",
    wrong="""\
steps:
  - id: restart
    name: Restart the web server
    approve: {says: "Restart the web server?", group: dbas}
    command: systemctl restart nginx
    verify: [{command: systemctl is-active nginx}]
""",
    right="""\
steps:
  - id: restart
    name: Restart the web server
    approve: {says: "Restart the web server?", group: dba}
    command: systemctl restart nginx
    verify: [{command: systemctl is-active nginx}]
""",
    find=_find,
)
