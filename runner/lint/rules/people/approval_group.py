"""`unknown-`, `memberless-` and `too-small-approval-group`: an approval that nobody, or not enough people, may give."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, did_you_mean
from runner.model.contacts import Contact
from runner.model.step import Approval


def _unknown(context: LintContext) -> Iterator[Hit]:
    for place, approval in context.approvals():
        if approval.group and approval.group not in context.contacts:
            hint = did_you_mean(approval.group, context.contacts)
            hint = hint or f"contacts.yml knows {', '.join(context.contacts) or 'nobody'}"
            yield Hit((*place, "group"), f"no group is called {approval.group!r}, so nobody may approve", hint)


def _in_group(look: Callable[[Place, Approval, Contact], Iterator[Hit]]) -> Callable[[LintContext], Iterator[Hit]]:
    """The rule that looks at each approval by a group that is there."""
    return lambda context: (
        hit
        for place, approval in context.approvals()
        if (group := context.contacts.get(approval.group or ""))
        for hit in look(place, approval, group)
    )


def _memberless(place: Place, approval: Approval, group: Contact) -> Iterator[Hit]:
    if not group.members:
        message = f"{approval.group!r} has no members, so nobody may approve"
        yield Hit((*place, "group"), message, "name the `members` in contacts.yml")


def _too_small(place: Place, approval: Approval, group: Contact) -> Iterator[Hit]:
    members = len(set(group.members))
    if 0 < members < approval.min:
        message = f"{approval.min} must approve, and {approval.group!r} has {members} member{'s' * (members > 1)}"
        yield Hit((*place, "min"), message, "add members in contacts.yml, or ask for fewer")


def _example(by: str) -> str:
    return f"""\
steps:
  - id: restart
    name: Restart the web server
    approve: {{says: "Restart the web server?", {by}}}
    command: systemctl restart nginx
    verify: [{{command: systemctl is-active nginx}}]
"""


UNKNOWN = Rule(
    id="unknown-approval-group",
    level=Level.ERROR,
    criterion=Criterion.ESCALATABLE,
    problem="A step that only a group may approve waits for ever when contacts.yml does not know the group.",
    wrong=_example("group: dbas"),
    right=_example("group: dba"),
    find=_unknown,
)
MEMBERLESS = Rule(
    id="memberless-approval-group",
    level=Level.ERROR,
    criterion=Criterion.ESCALATABLE,
    problem="A step that only a group may approve waits for ever when the group has no members.",
    wrong=_example("group: backend-team"),
    right=_example("group: dba"),
    find=_in_group(_memberless),
)
TOO_SMALL = Rule(
    id="too-small-approval-group",
    level=Level.ERROR,
    criterion=Criterion.ESCALATABLE,
    problem="A step that needs more approvals than its group has members is never approved.",
    wrong=_example("group: dba, min: 3"),
    right=_example("group: dba, min: 2"),
    find=_in_group(_too_small),
)
