"""Rules about who is called and who approves."""

import contextlib
from collections.abc import Iterator

from runner.core.errors import RunbookError
from runner.core.wording import counted
from runner.kinds.steps.base import StepKind
from runner.library.library import Library
from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Place, Rule, did_you_mean
from runner.model.contacts import Contact
from runner.model.escalation_policy import Unresolved, VerificationsFailed
from runner.model.procedure.called_runbooks import DEEPEST
from runner.model.provided_items import item_names, known_items
from runner.model.step import Approval, Step


def _example(by: str) -> str:
    return f"""\
steps:
  - id: restart
    name: Restart the web server
    approve: {{says: "Restart the web server?", {by}}}
    command: systemctl restart nginx
    verify: [{{command: systemctl is-active nginx}}]
"""


def _calling(contact: str) -> str:
    return f"""\
severity: P0
escalation: {{when: [step_failed], contacts: [{contact}], provide: [timeline]}}
"""


def _everybody(context: LintContext) -> str:
    return f"contacts.yml knows {', '.join(context.contacts) or 'nobody'}"


@Rule(
    "unknown-approval-group",
    Level.ERROR,
    Criterion.ESCALATABLE,
    problem="A step that only a group may approve waits for ever when contacts.yml does not know the group.",
    wrong=_example("group: dbas"),
    right=_example("group: dba"),
)
def unknown_approval_group(context: LintContext) -> Iterator[Hit]:
    """An approval by a group that nobody knows."""
    for place, approval in context.approvals():
        if approval.group and approval.group not in context.contacts:
            hint = did_you_mean(approval.group, context.contacts) or _everybody(context)
            yield Hit((*place, "group"), f"no group is called {approval.group!r}, so nobody may approve", hint)


def _by_groups(context: LintContext) -> Iterator[tuple[Place, Approval, Contact]]:
    """Each approval by a group that is there."""
    for place, approval in context.approvals():
        if group := context.contacts.get(approval.group or ""):
            yield place, approval, group


@Rule(
    "memberless-approval-group",
    Level.ERROR,
    Criterion.ESCALATABLE,
    problem="A step that only a group may approve waits for ever when the group has no members.",
    wrong=_example("group: backend-team"),
    right=_example("group: dba"),
)
def memberless_approval_group(context: LintContext) -> Iterator[Hit]:
    """An approval by a group without members."""
    for place, approval, group in _by_groups(context):
        if not group.members:
            message = f"{approval.group!r} has no members, so nobody may approve"
            yield Hit((*place, "group"), message, "name the `members` in contacts.yml")


@Rule(
    "contact-never-reached",
    Level.ERROR,
    Criterion.ESCALATABLE,
    problem="When the whole system is down is no time to find out that a call reaches nobody.",
    wrong=_calling("night-shift"),
    right=_calling("on-call"),
)
def contact_never_reached(context: LintContext) -> Iterator[Hit]:
    """A contact of a P0 runbook whom no page has ever reached."""
    if context.runbook.severity != "P0" or context.reached is None:
        return
    for number, name in enumerate(context.runbook.escalation.contacts):
        contact = context.contacts.get(name)
        if contact and contact.is_callable and name not in context.reached:
            message = f"no page has ever reached {name!r}"
            yield Hit(("escalation", "contacts", number), message, f"runbook notify test {name}")


@Rule(
    "too-small-approval-group",
    Level.ERROR,
    Criterion.ESCALATABLE,
    problem="A step that needs more approvals than its group has members is never approved.",
    wrong=_example("group: dba, min: 3"),
    right=_example("group: dba, min: 2"),
)
def too_small_approval_group(context: LintContext) -> Iterator[Hit]:
    """An approval by more people than the group has."""
    for place, approval, group in _by_groups(context):
        if 0 < (members := len(set(group.members))) < approval.min:
            message = f"{approval.min} must approve, and {approval.group!r} has {counted(members, 'member')}"
            yield Hit((*place, "min"), message, "add members in contacts.yml, or ask for fewer")


_TAGS = """\
steps:
  - id: tag
    name: Tag the release
    hosts: app[0]
    approve: Tag this commit?
    git: {repository: /srv/shop, tag: release-*, push: origin}
    verify: [{says: The tag is at the remote repository, exit: 0}]
"""
_FINDS = """\
  - id: commit
    name: Find the commit of the release
    hosts: app[0]
    effect: read
    command: git -C /srv/shop rev-parse HEAD
    capture: {release_commit: stdout}
    verify: [{says: It is a commit, matches: "^[0-9a-f]{40,64}$"}]
"""


@Rule(
    "approval-of-moving-name",
    Level.WARNING,
    Criterion.ACTIONABLE,
    problem="A yes is for what is shown, and HEAD or a branch may be another commit by the time the step is done.",
    wrong=_TAGS,
    right=_TAGS.replace("steps:\n", f"steps:\n{_FINDS}").replace(
        "release-*,", 'release-*, at: "{{ release_commit }}",'
    ),
)
def approval_of_moving_name(context: LintContext) -> Iterator[Hit]:
    """An approval of something whose name may come to stand for another thing, also in a runbook that does the step."""
    library = Library(context.source.path.parent.parent)
    for placed in context.procedure():
        action = placed.step.action
        if action and placed.step.approve and action.moving_name:
            message = f"is approved by the name {action.moving_name}, which may be another thing by then"
            yield Hit((*placed.place, action.key), message, action.fixed_by)
        if placed.step.runs and placed.step.approve:
            for runbook, step, inner in _moving_in(library, placed.step.runs.run):
                message = f"{step.name!r} of {runbook} is approved here by the name {inner.moving_name}"
                hint = f"{inner.fixed_by}, or let {runbook} ask itself before that step"
                yield Hit((*placed.place, "run"), f"{message}, which may be another thing by then", hint)


def _moving_in(library: Library, name: str, depth: int = 0) -> Iterator[tuple[str, Step, StepKind]]:
    """The steps of the runbook `name`, and of those that it runs, which ask nobody and act on such a name."""
    with contextlib.suppress(RunbookError):  # which is another finding
        for step in library.usable(name).runbook.steps if depth < DEEPEST else ():
            if step.action and step.action.moving_name and not step.approve:
                yield name, step, step.action
            if step.runs and not step.approve:
                yield from _moving_in(library, step.runs.run, depth + 1)


@Rule(
    "no-channel",
    Level.ERROR,
    Criterion.ESCALATABLE,
    problem="A contact without a channel owns things, but no page reaches it: the escalation is a dead end.",
    wrong="escalation: {when: [step_failed], contacts: [backend-team], provide: [timeline]}\n",
    right="escalation: {when: [step_failed], contacts: [on-call], provide: [timeline]}\n",
)
def no_channel(context: LintContext) -> Iterator[Hit]:
    """Somebody to call who cannot be reached."""
    for number, name in enumerate(context.runbook.escalation.contacts):
        if name in context.contacts and not context.contacts[name].is_callable:
            message = f"{name!r} cannot be called: no channel"
            yield Hit(("escalation", "contacts", number), message, "add one to contacts.yml")


@Rule(
    "no-escalation",
    Level.WARNING,
    Criterion.ESCALATABLE,
    problem="Where a failed step calls nobody, whoever is on call is alone with it: a dead end.",
    wrong="escalation: {when: [{declared: Data may be lost}], contacts: [on-call], provide: [timeline]}\n",
    right="escalation: {when: [{declared: Data may be lost}, step_failed], contacts: [on-call], provide: [timeline]}\n",
)
def no_escalation(context: LintContext) -> Iterator[Hit]:
    """A step may fail, and nobody is called."""
    policy = context.runbook.escalation.when
    place, hint = ("escalation", "when"), "add step_failed, or {unresolved_for: 15m}"
    if not any(reason == "step_failed" or isinstance(reason, Unresolved | VerificationsFailed) for reason in policy):
        yield Hit(place, "nobody is called when a step fails, unless the operator says why", hint)
    elif set(policy) == {"step_failed"} and all(step.on_failure == "stop" for step in context.runbook.steps):
        yield Hit(place, "every step says on_failure: stop, so no failure calls anybody", hint)


@Rule(
    "unknown-provided-item",
    Level.WARNING,
    Criterion.ESCALATABLE,
    problem="What no run can know makes each hand-off incomplete, and whoever is called waits for it.",
    wrong="escalation: {when: [step_failed], contacts: [on-call], provide: [timeline, customer impact]}\n",
    right="escalation: {when: [step_failed], contacts: [on-call], provide: [timeline, actions taken]}\n",
    gives_way_to=("todo-left",),
)
def unknown_provided_item(context: LintContext) -> Iterator[Hit]:
    """An item of `provide:` that no run of this runbook can know."""
    known = known_items(context.runbook)
    for number, label in enumerate(context.runbook.escalation.provide):
        if not set(item_names(label)) & set(known):
            possible = f"write one of {', '.join(known)}, or capture it in a step"
            hint = " ".join(filter(None, [did_you_mean(label, known), possible]))
            yield Hit(("escalation", "provide", number), f"no run of this runbook can know {label!r}", hint)


@Rule(
    "unknown-contact",
    Level.ERROR,
    Criterion.MAINTAINED,
    problem="Whoever owns the runbook, and whoever is called, must be found in contacts.yml, or nobody answers.",
    wrong="owner: the-backend-people\n",
    right="owner: backend-team\n",
)
def unknown_contact(context: LintContext) -> Iterator[Hit]:
    """An owner or somebody to call, or to tell something, whom contacts.yml does not know."""
    named: list[tuple[Place, str]] = [(("owner",), context.runbook.owner)]
    named += [(("escalation", "contacts", n), name) for n, name in enumerate(context.runbook.escalation.contacts)]
    named += [(("announce", n), name) for n, name in enumerate(context.runbook.announce)]
    told = [(placed, placed.step.announces) for placed in context.procedure() if placed.step.announces]
    named += [((*placed.place, "announce", "to"), name) for placed, notice in told for name in notice.to]
    for place, name in named:
        if name not in context.contacts:
            hint = did_you_mean(name, context.contacts) or _everybody(context)
            yield Hit(place, f"nobody is called {name!r}", hint)
