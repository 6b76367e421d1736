"""The pages that have not arrived yet: shown, sent again, or given up by a person."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError, LockedError, explain
from runner.core.events import Event, EventType
from runner.escalation.delivery import LIMIT, Outgoing, outgoing
from runner.escalation.dispatch import Dispatcher, Note, SentPage
from runner.escalation.outbox import Notification, Outbox
from runner.orchestrator.run_environment import Installation
from runner.store.log.audit_log import AuditLog
from runner.store.secret_digests import SecretDigests
from runner.store.state_directory import StateDirectory


@dataclass(frozen=True)
class Flushed:
    """What came of sending what waited: a receipt for each page, and what went wrong besides.

    Of the problems, those that are `unrecorded` say what could not be kept or recorded of pages that were sent.
    """

    sent: tuple[SentPage, ...] = ()
    problems: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()

    @property
    def all_arrived(self) -> bool:
        """Whether nobody still waits for a page."""
        return all(each.receipt.ok for each in self.sent) and set(self.problems) <= set(self.unrecorded)


@dataclass(frozen=True)
class UndeliveredPage:
    """A page that has not arrived: its id in the outbox, whom it is for, what it says, and what became of it."""

    id: str
    run: str
    contact: str
    channel: str
    level: str
    action: str
    incident: str
    summary: str
    requested: datetime
    attempts: int
    status: str
    reason: str = field(default="")


def _shown(each: Notification) -> UndeliveredPage:
    receipt = each.receipt
    return UndeliveredPage(
        id=each.id,
        run=each.run,
        contact=each.contact,
        channel=each.by,
        level=each.level,
        action=each.page.action,
        incident=each.page.dedup_key,
        summary=each.page.summary,
        requested=each.requested,
        attempts=each.attempts,
        status=receipt.status if receipt else "requested",
        reason=receipt.reason if receipt else "nothing is known of what became of it",
    )


def undelivered_pages(state: StateDirectory) -> tuple[list[UndeliveredPage], list[str]]:
    """Every page that has not arrived, oldest first, and what of the outbox cannot be read."""
    problems: list[str] = []
    return [_shown(each) for each in _outbox(state).all(problems)], problems


def flush_pages(installation: Installation, *, only_due: bool = False, limit: float = LIMIT) -> Flushed:
    """Send every page that has not arrived, all at once; only one process does so at a time.

    `only_due` leaves out what is not due by itself: nobody has asked for it. `limit` is how many seconds all together
    may take. What cannot be recorded is sent all the same, and is one of the problems.
    """
    outbox, now = _outbox(installation.state), installation.clock().wall
    problems: list[str] = []
    found = outbox.all(problems)
    waiting = [each for each in found if (each.is_due(now) if only_due else not each.held_back(now))]
    if not only_due:
        problems += [f"the page {each.id} to {each.contact}: {why}" for each in found if (why := each.held_back(now))]
    if not waiting:
        return Flushed(problems=tuple(problems))
    with outbox.held() as ours:
        if not ours:
            return Flushed(problems=() if only_due else ("another command is sending them just now",))
        pages = list(_outgoing(waiting, installation, problems))
        with dispatcher_of(installation, unrecorded := list[str]()) as dispatcher:
            sent = dispatcher.send(pages, limit=limit)
    return Flushed(tuple(sent), (*problems, *unrecorded), tuple(unrecorded))


def _outgoing(waiting: list[Notification], installation: Installation, problems: list[str]) -> Iterator[Outgoing]:
    """What is sent now: not what a run that is alive has just requested, which it sends itself."""
    outbox = _outbox(installation.state)
    for each in waiting:
        run = installation.state.directory(each.run)
        still = outbox.get(each.id)
        if still != each or (not each.attempts and run.exists and run.live):
            continue
        try:
            yield outgoing(each)
        except (LookupError, ValueError):  # its text may quote an option
            problems.append(f"the page {each.id} to {each.contact} cannot be sent: its channel {each.by} is gone")


def drop_page(installation: Installation, name: str, because: str) -> UndeliveredPage:
    """Give up the page with the id `name`, in the name of whoever runs the command, `because` of a reason.

    Raises:
        InvalidInputError: there is no such page, or no reason.
        LockedError: it is being sent just now.
        AuditError: that cannot be recorded; the page stays.
    """
    if not because.strip():
        raise InvalidInputError("--because is empty", hint="say how the contact was reached, or why it need not be")
    outbox = _outbox(installation.state)
    with outbox.held() as ours:
        if not ours:
            raise LockedError("another command is sending pages just now", hint="try again in some seconds")
        page = outbox.get(name)
        if page is None:
            hint = "runbook notify list shows those that have not"
            raise InvalidInputError(f"there is no page {name!r} that has not arrived", hint=hint)
        with installation.state.open_log(clock=installation.clock, actor=installation.actor) as log:
            dispatcher = Dispatcher(
                installation.state.path, installation.secrets, installation.clock, _noting(log), contextlib.nullcontext
            )
            known = SecretDigests(installation.state.directory(page.run).path)
            dispatcher.drop(page, known.mask(because.strip()), by=installation.actor.person)
    return _shown(page)


def _outbox(state: StateDirectory) -> Outbox:
    return Outbox(state.path / "outbox")


@contextlib.contextmanager
def dispatcher_of(installation: Installation, problems: list[str]) -> Iterator[Dispatcher]:
    """A way to people for who has no run in this process; what cannot be kept or recorded goes to `problems`."""

    @contextlib.contextmanager
    def failsafe() -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the next page is sent
            problems.append(explain(error).message)

    with installation.open_log() as log:
        yield Dispatcher(installation.state.path, installation.secrets, installation.clock, _noting(log), failsafe)


def _noting(log: AuditLog) -> Note:
    def note(run: str, kind: EventType, data: Mapping[str, Any]) -> None:
        log.append(Event(kind, run, data=data))

    return note
