"""Requests pages, sends them, and keeps outbox, incidents and record in step with what became of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from math import inf
from os.path import commonprefix
from pathlib import Path
from typing import Any

from runner.channels.base import Action, Channel, Page, Receipt, Secrets
from runner.channels.payload import one_line
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.events import Clock, EventType
from runner.escalation.delivery import LIMIT, WAITS_ITS_TURN, Outgoing, deliver_all
from runner.escalation.incidents import Incident, Incidents
from runner.escalation.outbox import Notification, Outbox
from runner.escalation.reached_contacts import ReachedContacts
from runner.model.contacts import Contact

Addressed = tuple[Page, Iterable[str]]
"""A page, and the names of the contacts whom it is for."""

Note = Callable[[str, EventType, Mapping[str, Any]], None]
"""Records an event of the run with that id."""

_ADDS = frozenset({"progress", "note"})
"""What is not worth the time in which somebody waits for a channel that did not answer just now."""

_NEWS = 3300
"""Characters of all news in one page together: a message in Slack takes 4,000."""


@dataclass(frozen=True, slots=True)
class SentPage:
    """A page that was sent, and what came back."""

    notification: Notification
    receipt: Receipt

    @property
    def contact(self) -> str:
        """To whom."""
        return self.notification.contact

    @property
    def dedup_key(self) -> str:
        """The incident that it is about."""
        return self.notification.page.dedup_key


class Dispatcher:
    """The way from a page to people.

    `note` records what happens. Whatever cannot be kept or recorded is for `failsafe`, a block that notes what is
    raised in it: nobody is called the less for it.
    """

    def __init__(
        self,
        state: Path,
        secrets: Secrets,
        clock: Clock,
        note: Note,
        failsafe: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.outbox, self.incidents = Outbox(state / "outbox"), Incidents(state / "incidents")
        self._reached = ReachedContacts(state / "reached")
        self._secrets, self._clock, self._note, self._failsafe = secrets, clock, note, failsafe
        self._withdrawn: dict[str, Notification] = {}

    def request(self, pages: Iterable[Addressed], run: str, contacts: Mapping[str, Contact]) -> list[Outgoing]:
        """The notifications by which each page goes through every channel of the contacts it is for, requested."""
        composed = self.compose(pages, run, contacts)
        self.keep(item.notification for item in composed)
        return composed

    def compose(self, pages: Iterable[Addressed], run: str, contacts: Mapping[str, Contact]) -> list[Outgoing]:
        """The same, with nothing kept of them yet."""
        return _gathered(
            self._outgoing(self._notification(page, run, name, contacts.get(name), number, channel), channel)
            for page, names in pages
            for name in names
            for number, channel in _channels(contacts.get(name), page.action)
        )

    def keep(self, notifications: Iterable[Notification]) -> None:
        """Request `notifications`: each is durable in the outbox, and then in the record, before it may be sent."""
        for each in notifications:
            with self._failsafe():
                self._replace_in_other_runs(each)
            with self._failsafe():
                self.outbox.put(each)
            with self._failsafe():
                self._note(each.run, EventType.NOTIFY_REQUESTED, _description(each))

    def _replace_in_other_runs(self, notification: Notification) -> None:
        """Record that a page of another run is not sent any more, as `notification` takes its place."""
        before = self._waiting(notification.id)
        if before and before.run != notification.run:
            reason = f"a later page about the same incident takes its place, that of the run {notification.run}"
            self._note(before.run, EventType.NOTIFY_DROPPED, _description(before) | {"reason": reason})

    def _with_references(self, item: Outgoing) -> Outgoing:
        """`item`, whose page has what the channels call by now what they made of its incident."""
        page = item.notification.page
        with self._failsafe():
            if incident := self.incidents.find(page.dedup_key):
                page = replace(page, references=tuple(dict.fromkeys([*page.references, *incident.references])))
        return replace(item, notification=replace(item.notification, page=page))

    def _notification(
        self, page: Page, run: str, name: str, contact: Contact | None, number: int, channel: Channel | None
    ) -> Notification:
        written: Mapping[str, Any] = {}
        with self._failsafe():
            written = channel.written() if channel else {}
        return Notification(
            run=run,
            contact=name,
            level=contact.level if contact else "L1",
            channel=written,
            position=number,
            page=page,
            requested=self._clock().wall,
        )

    def _outgoing(self, notification: Notification, channel: Channel | None) -> Outgoing:
        """`notification` with its channel, and why it must wait, where it takes the place of one that must."""
        held = None
        with self._failsafe():
            before = self._withdrawn.get(notification.id) or self._waiting(notification.id)
            held = notification.hold(before, notification.requested) or self._behind(notification)
        return Outgoing(notification, channel, held)

    def _behind(self, notification: Notification) -> Receipt | None:
        """Why what only adds to an incident is not sent: what goes before it there is lost, and not due again yet."""
        if notification.page.action not in _ADDS:
            return None
        line, now = notification.line, notification.requested
        before = [each for each in self.outbox.all() if each.line == line and each.id != notification.id]
        lost = [each for each in before if each.receipt and each.receipt.status == "deferred" and not each.is_due(now)]
        return Receipt(notification.by, "deferred", 0, WAITS_ITS_TURN, sent=False) if lost else None

    def _waiting(self, name: str) -> Notification | None:
        """What waits in the outbox under that name; one whose file is broken is replaced."""
        with suppress(InvalidInputError):
            return self.outbox.get(name)
        return None

    def send(self, pages: Sequence[Outgoing], *, limit: float = LIMIT, untold: float = inf) -> list[SentPage]:
        """Send `pages`, all at once, as `deliver_all` does.

        What became of each is recorded as soon as it is known, and one that has arrived leaves the outbox: whoever
        dies while another channel is silent has not left it to be sent again.
        """
        pages = [self._with_references(item) for item in pages]
        triggers = [item.notification for item in pages if item.notification.page.action == "trigger"]
        newest = {each.page.dedup_key: each for each in triggers}
        before = {key: self._open(each, triggers) for key, each in newest.items()}
        by_place: dict[int, SentPage] = {}
        for place, receipt in deliver_all(pages, self._secrets, limit=limit, untold=untold):
            by_place[place] = SentPage(pages[place].notification, receipt)
            self._settle(by_place[place], held=pages[place].held is not None)
        sent = [by_place[place] for place in sorted(by_place)]
        for key, incident in before.items():
            with self._failsafe():
                self._remember(incident, [each for each in sent if each.dedup_key == key])
        for key in dict.fromkeys(each.dedup_key for each in sent if each.notification.page.action == "resolve"):
            with self._failsafe():
                self._resolved(key, [each for each in sent if each.dedup_key == key])
        return sent

    def _settle(self, each: SentPage, *, held: bool) -> None:
        """Record what became of a page, and keep it in the outbox, or not; one that was `held` was not tried."""
        receipt = each.receipt
        data = _description(each.notification) | {"channel": receipt.channel}
        result = {name: getattr(receipt, name) for name in ("status", "attempts", "reason")}
        result |= {"reference": receipt.reference} if receipt.reference else {}
        result |= {"doubt": True} if receipt.doubt else {}
        with self._failsafe():
            self._note(each.notification.run, EventType.PAGE_FINISHED, {**data, **result})
        if receipt.ok:
            with self._failsafe():
                self._reached.note(each.contact, receipt.channel, self._clock().wall)
        with self._failsafe():
            tried = each.notification.requested if held else self._clock().wall
            self.outbox.settle(each.notification, receipt, tried)

    def withdraw(self, key: str, reason: str) -> Sequence[Notification]:
        """Send nothing more of what waits about the incident `key`, for the `reason` that the record has."""
        waiting = [each for each in self.outbox.all() if each.page.dedup_key == key]
        for each in waiting:
            self.drop(each, reason)
            self._withdrawn[each.id] = each
        return waiting

    def drop(self, notification: Notification, reason: str, *, by: str = "") -> None:
        """Take `notification` out of the outbox, as the person `by`, or nobody, wants it for the `reason`.

        Raises:
            AuditError: that cannot be recorded; it stays.
        """
        data = _description(notification) | {"reason": reason} | ({"by": by} if by else {})
        self._note(notification.run, EventType.NOTIFY_DROPPED, data)
        self.outbox.remove(notification.id)

    def _open(self, notification: Notification, triggers: Sequence[Notification]) -> Incident:
        """Remember the incident before anybody is called: whoever may hear of it must hear that it is over."""
        key = notification.page.dedup_key
        known: list[Incident] = []
        with self._failsafe():
            known += filter(None, [self.incidents.find(key)])
        before = tuple(name for each in known for name in each.contacts)
        references = tuple(reference for each in known for reference in each.references)
        names = [*before, *(each.contact for each in triggers if each.page.dedup_key == key)]
        incident = Incident(
            key,
            run := notification.run,
            tuple(dict.fromkeys(names)),
            references,
            notification.page.hosts,
            earlier=tuple(dict.fromkeys(other for each in known for other in each.runs if other != run)),
        )
        with self._failsafe():
            self.incidents.open(incident)
        return replace(incident, contacts=before)

    def _remember(self, before: Incident, sent: Iterable[SentPage]) -> None:
        """Keep those who may know of the incident; one of which nobody can know is forgotten."""
        sent = list(sent)
        heard = [each.contact for each in sent if each.receipt.may_have_arrived]
        references = [*before.references, *filter(None, (each.receipt.reference for each in sent))]
        if names := tuple(dict.fromkeys([*heard, *before.contacts])):
            self.incidents.open(replace(before, contacts=names, references=tuple(dict.fromkeys(references))))
            return
        self.incidents.close(before.dedup_key)
        data = {"dedup_key": before.dedup_key, "reason": "no page can have arrived"}
        self._note(before.run, EventType.INCIDENT_FORGOTTEN, data)

    def _resolved(self, key: str, sent: Iterable[SentPage]) -> None:
        """Forget those who know that the incident is over, and the incident once everybody knows."""
        waiting = {each.contact for each in self.outbox.all() if each.page.dedup_key == key}
        waiting |= {each.contact for each in sent if not each.receipt.settled}
        incident = self.incidents.find(key)
        left = tuple(name for name in incident.contacts if name in waiting) if incident else ()
        if incident and left:
            self.incidents.open(replace(incident, contacts=left))
        else:
            self.incidents.close(key)


def _channels(contact: Contact | None, action: Action) -> Sequence[tuple[int, Channel | None]]:
    """The channels of `contact` that can do `action`, numbered; None for a call to somebody who has no such channel."""
    able = [
        (number, channel) for number, channel in enumerate(contact.channels if contact else ()) if channel.does(action)
    ]
    return able if able or action not in {"trigger", "ticket"} else [(0, None)]


def _gathered(pages: Iterable[Outgoing]) -> list[Outgoing]:
    """`pages`, where news of one incident are one page for a channel that wants it so."""
    groups: dict[object, list[Outgoing]] = {}
    for number, item in enumerate(pages):
        each, page = item.notification, item.notification.page
        together = page.action == "progress" and not page.details and item.channel and item.channel.gathers_news
        key = (each.contact, each.position, page.dedup_key) if together else number
        groups.setdefault(key, []).append(item)
    return [_one_page(items) for items in groups.values()]


def _one_page(items: Sequence[Outgoing]) -> Outgoing:
    """The first of `items`, with a line for each of them; what all of them begin with is said once."""
    first = items[0].notification
    if len(items) == 1:
        return items[0]
    summaries = [item.notification.page.summary for item in items]
    same = commonprefix(summaries).rpartition(": ")[0]  # noqa: RUF071 - these are no paths
    lines = [one_line(text[len(same) :].removeprefix(": "), max(60, _NEWS // len(items))) for text in summaries]
    summary = f"{same or first.page.component}: {len(items)} more"
    return replace(
        items[0],
        notification=replace(first, page=replace(first.page, summary=summary, details={"more": lines})),
    )


def _description(notification: Notification) -> dict[str, Any]:
    """What the record says of a notification: no secret, and not the page, which the record itself explains."""
    page = notification.page
    return {
        "notification": notification.id,
        "action": page.action,
        "contact": notification.contact,
        "channel": notification.by,
        "level": notification.level,
        "dedup_key": page.dedup_key,
    }
