"""Whether people can be reached: a test page to each contact, in the way of every page, and when one last arrived."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from runner.channels.base import Page
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.escalation.dispatch import Dispatcher, SentPage
from runner.escalation.reached_contacts import ReachedContacts
from runner.model.contacts import Contact
from runner.model.yaml.finding import did_you_mean
from runner.orchestrator.run_environment import Installation
from runner.services.notifications import dispatcher_of
from runner.store.state_directory import StateDirectory

_SUMMARY = "TEST of runbookctl: nothing is wrong, and nothing is to be done"


@dataclass(frozen=True)
class ContactTest:
    """What came of the test pages, one to each channel of each contact, and what went wrong besides."""

    sent: tuple[SentPage, ...]
    problems: tuple[str, ...]

    @property
    def unreached(self) -> tuple[str, ...]:
        """The contacts whom no channel has reached."""
        reached = {each.contact for each in self.sent if each.receipt.ok}
        return tuple(dict.fromkeys(each.contact for each in self.sent if each.contact not in reached))


@dataclass(frozen=True)
class ContactReach:
    """A channel of a contact, and when somebody was last reached by it; None for never."""

    contact: str
    name: str
    level: str
    channel: str
    reached: datetime | None


def try_contacts(
    installation: Installation, contacts: Mapping[str, Contact], names: Sequence[str], *, sender: str
) -> ContactTest:
    """Open and end an incident that says it is a test, for each of `names`, or for everybody who has a channel.

    Each goes through the outbox, as every page does; `sender` says in it who wants to know.

    Raises:
        InvalidInputError: there is no such contact, or nobody has a channel.
    """
    for name in names:
        if name not in contacts:
            hint = did_you_mean(name, list(contacts)) or f"contacts.yml has {', '.join(contacts) or 'nobody'}"
            raise InvalidInputError(f"there is no contact {name!r}", hint=hint)
    chosen = names or [name for name, contact in contacts.items() if contact.is_callable]
    if not chosen:
        raise InvalidInputError("nobody has a channel", hint="add one to a contact in runbooks/contacts.yml")
    run, problems = installation.new_run_id(), list[str]()
    pages = {name: _page(name, sender, installation.clock().wall) for name in chosen}
    with dispatcher_of(installation, problems) as dispatcher:
        sent = _sent(dispatcher, run, pages, contacts)
        heard = dict.fromkeys(each.contact for each in sent if each.receipt.may_have_arrived)
        _sent(dispatcher, run, {name: replace(pages[name], action="resolve") for name in heard}, contacts)
    asked = (each for each in sent if each.receipt.status != "skipped")
    return ContactTest(tuple(asked), tuple(problems))


def _sent(
    dispatcher: Dispatcher, run: str, pages: Mapping[str, Page], contacts: Mapping[str, Contact]
) -> list[SentPage]:
    return dispatcher.send(dispatcher.request([(page, [name]) for name, page in pages.items()], run, contacts))


def _page(contact: str, sender: str, time: datetime) -> Page:
    return Page(
        action="trigger",
        dedup_key=f"runbookctl/test/{contact}",
        summary=_SUMMARY,
        severity="info",
        source="runbookctl",
        component="notify test",
        group="test",
        details={"for": contact, "sent by": sender},
        timestamp=time,
    )


def contact_reaches(state: StateDirectory, contacts: Mapping[str, Contact]) -> list[ContactReach]:
    """When each contact was last reached, a line for each of their channels."""
    times = ReachedContacts(state.path / "reached").times()
    return [
        ContactReach(name, contact.name, contact.level, channel.key, times.get((name, channel.key)))
        for name, contact in contacts.items()
        for channel in contact.channels
    ]
