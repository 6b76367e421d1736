"""The pages of a run: to whom each went, through what, what became of it, and whether anybody gave it up."""

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime

from runner.core.deferred import dataclass
from runner.core.events import EventType, Outcome
from runner.escalation.incidents import GLASS
from runner.escalation.ladder import CalledLevel
from runner.store.log import record_data
from runner.store.log.envelope import Record

REQUESTED = "requested"
"""The status of a page of which nothing is recorded yet but that it was to be sent."""

_DELIVERED = frozenset({"accepted", "delivered", "skipped"})
_OVER = frozenset({Outcome.PASSED, Outcome.HANDED_OVER})
_FIELDS = ("contact", "channel", "action", "status", "reason", "notification")


@dataclass(frozen=True, slots=True)
class PageHistory:
    """A page to a contact by a channel: for what, what became of it, and why it did not arrive.

    `notification` is its id in the outbox; an older record has none. `dropped` says why it is not sent any more.
    `level` is that of the contact, `incident` the name of the incident that it is about.
    `doubt` says that it may have arrived though nothing says so.
    """

    contact: str
    channel: str
    action: str
    status: str
    reason: str = ""
    notification: str = ""
    dropped: str = ""
    level: str = ""
    incident: str = ""
    doubt: bool = False
    time: datetime = field(default=datetime.min.replace(tzinfo=UTC), compare=False)

    @property
    def calls(self) -> bool:
        """Whether it calls somebody for the incident of the run; a broken glass is an incident of its own."""
        return self.action == "trigger" and not self.incident.endswith(GLASS)

    @property
    def is_news(self) -> bool:
        """Whether it says something new of the incident of the run to those who were called for it."""
        return self.calls or self.action == "progress"

    @property
    def arrived(self) -> bool:
        """Whether the other side has it for sure."""
        return self.status in _DELIVERED

    @property
    def name(self) -> tuple[str, ...]:
        """What a later attempt, or a later word on the same incident, has in common with it."""
        return (self.notification,) if self.notification else (self.contact, self.channel, self.action)

    @property
    def is_open(self) -> bool:
        """Whether it has not arrived, and nobody has given it up."""
        return not (self.arrived or self.dropped)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That somebody has the incident of a run: who, when, and what they said."""

    by: str
    time: datetime
    note: str = ""

    @property
    def words(self) -> str:
        """The same in words."""
        return f"{self.by} at {self.time:%H:%M:%S} UTC" + (f": {self.note}" if self.note else "")


def acknowledgement(records: Iterable[Record]) -> tuple[Acknowledgement | None, datetime | None]:
    """The one that counts by `records`, and since when a later attempt waits for one; None where there is none.

    The first one counts, until a later attempt of the run has news for whoever gave it: then they are asked again.
    """
    holds: Acknowledgement | None = None
    waiting: datetime | None = None
    resumed = False
    for record in records:
        if record.type == EventType.RUN_RESUMED:
            resumed = True
        elif record.type == EventType.INCIDENT_ACKNOWLEDGED and holds is None:
            by, note = (record_data.text(record.data, name) for name in ("by", "note"))
            holds, waiting, resumed = Acknowledgement(by, record.time, note), None, False
        elif holds and resumed and record.type == EventType.NOTIFY_REQUESTED and _page(record).is_news:
            holds, waiting = None, record.time
    return holds, waiting


def ended_by(records: Iterable[Record]) -> str:
    """The run that has ended the incident that `records` have called for; empty while that is open.

    That is a later run, or this one itself, where it has passed before its latest attempt.
    """
    run, passed, called = "", "", False
    for record in records:
        if record.type == EventType.INCIDENT_OVER:
            run = record_data.text(record.data, "as_run")
        elif record.type == EventType.RUN_FINISHED:
            passed = record.run if called and record.data.get("outcome") in _OVER else ""
        elif record.type == EventType.RUN_RESUMED:
            run = run or passed
        elif record.type == EventType.NOTIFY_REQUESTED and _page(record).calls:
            run, passed, called = "", "", True
    return run


def page_histories(records: Iterable[Record]) -> tuple[PageHistory, ...]:
    """Each attempt to send a page, and each page that was requested and not tried yet, in order."""
    pages: list[PageHistory] = []
    for record in records:
        if record.type == EventType.NOTIFY_REQUESTED:
            pages.append(replace(_page(record), status=REQUESTED, reason="nothing is recorded of what became of it"))
        elif record.type == EventType.PAGE_FINISHED:
            page = _page(record)
            pages = [each for each in pages if (each.name, each.status) != (page.name, REQUESTED)] + [page]
        elif record.type == EventType.NOTIFY_DROPPED:
            given_up = _page(record)
            pages = [replace(each, dropped=given_up.reason) if each.name == given_up.name else each for each in pages]
    return tuple(pages)


def _page(record: Record) -> PageHistory:
    contact, channel, action, status, reason, notification = (record_data.text(record.data, name) for name in _FIELDS)
    level, incident = (record_data.text(record.data, name) for name in ("level", "dedup_key"))
    page = PageHistory(contact, channel, action, status or Outcome.UNKNOWN, reason, notification)
    return replace(page, level=level, incident=incident, doubt=record.data.get("doubt") is True, time=record.time)


def called_levels(pages: Iterable[PageHistory], news_since: datetime | None = None) -> tuple[CalledLevel, ...]:
    """The levels that were called, each with the first time; one is reached unless none of its pages can have arrived.

    `news_since` is when a later attempt had news for them: the time of a level that they went to begins anew then.
    """
    found: dict[str, CalledLevel] = {}
    for page in pages:
        again = news_since is not None and page.time >= news_since
        if not (page.calls or (again and page.is_news)):
            continue
        name, arrived = page.level or "L1", page.arrived or page.status == REQUESTED or page.doubt
        first = found.get(name)
        if first and again and news_since and first.at < news_since:
            first = None
        at = min(first.at, page.time) if first else page.time
        found[name] = CalledLevel(name, at, reached=arrived or (first is not None and first.reached))
    return tuple(found.values())


def undelivered(pages: Sequence[PageHistory]) -> tuple[PageHistory, ...]:
    """The pages that did not arrive, unless a later attempt did or somebody has given them up."""
    latest = {page.name: page for page in pages}
    return tuple(page for page in latest.values() if page.is_open)


def calls(pages: Iterable[PageHistory]) -> tuple[PageHistory, ...]:
    """The pages by which somebody was called, each once: when it was tried first, and what came of the last attempt."""
    return _each_once(page for page in pages if page.calls)


def tickets(pages: Iterable[PageHistory]) -> tuple[PageHistory, ...]:
    """The tickets that were asked for, in the same way; the reason of one that is open has its key and its address."""
    return _each_once(page for page in pages if page.action == "ticket")


def _each_once(pages: Iterable[PageHistory]) -> tuple[PageHistory, ...]:
    found: dict[tuple[str, ...], PageHistory] = {}
    for page in pages:
        found[page.name] = replace(page, time=found.get(page.name, page).time)
    return tuple(found.values())
