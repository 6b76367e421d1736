"""`too-small-approval-group`: an approval by more people than the group has."""

from __future__ import annotations

from collections.abc import Iterator

from runner.lint.lint_context import Subject
from runner.lint.rules.base import Criterion, Hit, Rule
from runner.model.yaml.finding import Level


def _find(subject: Subject) -> Iterator[Hit]:
    for place, approval in subject.approvals():
        contact = subject.contacts.get(approval.group or "")
        members = len(set(contact.members)) if contact else 0
        if 0 < members < approval.min:
            message = f"{approval.min} must approve, and {approval.group!r} has {members} member{'s' * (members > 1)}"
            yield Hit((*place, "min"), message, "add members in contacts.yml, or ask for fewer")


RULE = Rule(
    id="too-small-approval-group",
    level=Level.ERROR,
    criterion=Criterion.ESCALATABLE,
    problem="A step that needs more approvals than its group has members is never approved.",
    wrong="""\
steps:
  - id: restart
    name: Restart the web server
    approve: {says: "Restart the web server?", group: dba, min: 3}
    command: systemctl restart nginx
    verify: [{command: systemctl is-active nginx}]
""",
    right="""\
steps:
  - id: restart
    name: Restart the web server
    approve: {says: "Restart the web server?", group: dba, min: 2}
    command: systemctl restart nginx
    verify: [{command: systemctl is-active nginx}]
""",
    find=_find,
)
