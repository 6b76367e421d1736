"""`memberless-approval-group`: an approval by a group that has no members."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.model.yaml.finding import Level


def _find(subject: Subject) -> Iterator[Hit]:
    for place, approval in subject.approvals():
        contact = subject.contacts.get(approval.group or "")
        if contact and not contact.members:
            message = f"{approval.group!r} has no members, so nobody may approve"
            yield Hit((*place, "group"), message, "name the `members` in contacts.yml")


RULE = Rule(
    id="memberless-approval-group",
    level=Level.ERROR,
    criterion=Criterion.ESCALATABLE,
    problem="A step that only a group may approve waits for ever when the group has no members.",
    wrong="""\
steps:
  - id: restart
    name: Restart the web server
    approve: {says: "Restart the web server?", group: backend-team}
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
