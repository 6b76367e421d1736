"""Whether every page that a runbook could send would be taken, as far as that can be known before anybody is called."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from runner.channels.base import WORDS, Action, Channel, Page, SecretMissingError, Secrets
from runner.escalation.policy import UNKNOWN, make_page
from runner.model.category import Category
from runner.model.contacts import Contact
from runner.model.escalation_policy import Declared
from runner.model.runbook import FollowUp, Runbook


def call_problems(
    runbook: Runbook, contacts: Mapping[str, Contact], secrets: Secrets, *, now: datetime
) -> tuple[str, ...]:
    """Why a contact whom `runbook` names could not be called, a sentence each; nobody is told anything.

    Each secret of each channel is looked for, and each page that the runbook could send is compared with what the other
    side publishes. No sentence holds a secret.
    """
    pages = sample_pages(runbook, now=now)
    tickets = [item.ticket for item in runbook.follow_up if isinstance(item, FollowUp) and item.ticket]
    wanted: list[tuple[str, Action]] = [(name, "trigger") for name in runbook.escalation.contacts]
    wanted += [(name, "ticket") for name in tickets]
    wanted += [(name, "change" if runbook.category is Category.DEPLOYMENT else "announce") for name in runbook.announce]
    notices = [step.announces for step in runbook.procedure if step.announces]
    wanted += dict.fromkeys((name, "announce") for notice in notices for name in notice.to)
    found: dict[str, None] = {}
    for name, action in wanted:
        channels = contacts[name].channels if name in contacts else ()
        able = [channel for channel in channels if channel.does(action)]
        if not able:
            found[f"{name} has no channel to {WORDS[action]}"] = None
        found |= dict.fromkeys(f"{name} by {each.key}: {why}" for each in able for why in _of(each, pages, secrets))
    return tuple(found)


def sample_pages(runbook: Runbook, *, now: datetime) -> Sequence[Page]:
    """A page for each reason for which `runbook` calls, and each that may follow; the details are yet to be known."""
    declared = [f"declared: {item.declared}" for item in runbook.escalation.when if isinstance(item, Declared)]
    reasons = [*declared, *(f"step failed: {step.name}" for step in runbook.procedure), "resolved"]
    pages = [
        make_page(
            runbook,
            action="trigger",
            reason=reason,
            environment=UNKNOWN,
            hosts=("unknown",),
            details=dict.fromkeys(runbook.escalation.provide, "…"),
            timestamp=now,
        )
        for reason in reasons
    ]
    following: tuple[Action, ...] = ("acknowledge", "progress", "note", "resolve", "announce", "change", "ticket")
    return [*pages, *(replace(pages[-1], action=action) for action in following)]


def _of(channel: Channel, pages: Sequence[Page], secrets: Secrets) -> Iterator[str]:
    try:
        channel.check(secrets)
        yield from dict.fromkeys(each for page in pages if channel.does(page.action) for each in channel.problems(page))
    except SecretMissingError as error:
        yield f"{error.message}; {error.hint}"
    except Exception as error:  # noqa: BLE001 - the code of others may fail in any way, and its text may hold a secret
        yield f"a defect of this channel ({type(error).__name__})"
