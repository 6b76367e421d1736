"""The outbox: what is to be told to people, durable before it is sent, and kept until they have it."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from runner.channels.base import Page, Receipt
from runner.channels.payload import fit, to_json
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.wording import NO_CHANNEL
from runner.store.locks.kernel_locks import held_alone
from runner.store.small_files import SmallFiles

TRIES = 3
"""Attempts after which a page that was refused is not sent again by itself."""
LONGEST_WAIT = timedelta(hours=1)
"""How long a page waits at most because the other side has asked for that."""
SEARCH_DELAY = timedelta(minutes=5)
"""After which a search shows a ticket for sure; that of Jira needs seconds, and for some changes minutes.

Source: https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
"""
FIRST_PAUSE = timedelta(seconds=30)
"""How long a page that did not arrive is not sent again by itself; doubles with each attempt."""
LONGEST_PAUSE = timedelta(minutes=5)
"""Up to so much: a channel that is dead for long costs nearly nothing, and soon hears of it when it is not any more."""

_STATES = frozenset({"trigger", "acknowledge", "resolve"})
"""What says how an incident stands: only the latest word counts. Everything else is told, however late it is."""
_ENDS = frozenset({"acknowledge", "resolve"})
"""What calls nobody any more."""
_LARGEST_DETAILS = 512_000
_LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A page to one contact through one of their channels, on behalf of a run.

    `channel` is the channel's key and its options as they are written in contacts.yml: references to secrets, never
    secrets; it is empty for a contact without a channel. `position` counts the channels of the contact. `attempts` is
    how often it was tried since it was `requested`; `receipt` says what became of it when it was `tried` last.
    """

    run: str
    contact: str
    level: str
    channel: Mapping[str, Any]
    position: int
    page: Page
    requested: datetime
    attempts: int = 0
    tried: datetime | None = None
    receipt: Receipt | None = None

    @property
    def id(self) -> str:
        """Its name: a later word on how the incident stands, for the same contact by the same channel, has it too."""
        latest = self.page.action in _STATES
        what = () if latest else (self.page.action, self.page.summary, self.requested.isoformat())
        parts = json.dumps([self.page.dedup_key, self.contact, self.position, *what])
        return hashlib.sha256(parts.encode()).hexdigest()[:12]

    @property
    def line(self) -> tuple[str, int, str]:
        """What it has in common with all that goes one after the other: contact, channel and incident."""
        return self.contact, self.position, self.page.dedup_key

    @property
    def by(self) -> str:
        """The key of its channel."""
        return next(iter(self.channel), NO_CHANNEL)

    def is_due(self, now: datetime) -> bool:
        """Whether a later command tries it again by itself."""
        if self.held_back(now):
            return False
        if self.receipt is None or self.tried is None:
            return True
        pause = min(FIRST_PAUSE * 2 ** (min(self.attempts, TRIES + 3) - 1), LONGEST_PAUSE)
        is_over = not timedelta(0) <= now - self.tried < pause  # a clock that was set back holds nothing up
        return is_over and (self.receipt.status == "deferred" or self.attempts < TRIES)

    def held_back(self, now: datetime) -> str:
        """Why it must not be sent again yet, whoever asks for that, as a part of a sentence; empty where it may be.

        A ticket that may be there is looked for again when a search shows it for sure: else there could be two.
        """
        wait, why = _asked_to_wait(self.receipt), "the other side has asked for that"
        if self.page.action == "ticket" and (self.receipt is None or self.receipt.doubt):
            wait, why = SEARCH_DELAY, "it may be open already, and a search does not show it yet"
        since = self.tried or self.requested
        until = since + wait
        return f"it is not sent before {until:%H:%M:%S} UTC: {why}" if since <= now < until else ""

    def hold(self, before: Self | None, now: datetime) -> Receipt | None:
        """Why it is not sent in the place of the one `before`, which the other side has asked not to be sent yet.

        None where it is sent; so is a call, as somebody is needed.
        """
        if before is None or before.receipt is None or self.page.action not in _ENDS:
            return None
        left = (before.tried or before.requested) + _asked_to_wait(before.receipt) - now
        why = before.held_back(now)
        return Receipt(self.by, "deferred", 0, why, sent=False, wait=left.total_seconds()) if why else None


def _asked_to_wait(receipt: Receipt | None) -> timedelta:
    """How long after the attempt the other side has asked not to be sent it again."""
    return min(timedelta(seconds=receipt.wait if receipt else 0.0), LONGEST_WAIT)


@cache
def _notifications() -> TypeAdapter[Notification]:
    return TypeAdapter(Notification)  # made when the first is written or read: most runs tell nobody anything


def written(notification: Notification) -> dict[str, Any]:
    """`notification` as JSON, whatever a host has answered that it tells of."""
    page = notification.page
    plain = replace(notification, page=replace(page, details=fit(page.details, _LARGEST_DETAILS)))
    data: dict[str, Any] = _notifications().dump_python(plain, mode="json")
    return data


def read(data: Mapping[str, Any]) -> Notification:
    """The notification that was `written`.

    Raises:
        ValueError: it is none.
    """
    return _notifications().validate_python(data)


class Outbox:
    """One small file for each notification that has not arrived yet, in the directory `path`."""

    def __init__(self, path: Path) -> None:
        self._path, self._files = path, SmallFiles(path)

    def put(self, notification: Notification) -> None:
        """Keep `notification`, in the place of the one with its id; durable on return.

        Raises:
            AuditError: it cannot be kept.
        """
        self._files.write(notification.id, to_json(written(notification)))

    def is_lost(self, name: str) -> str:
        """Why nobody will send the notification with the id `name` again, or not for ever, in words; empty if not so.

        That is for one that has not arrived.
        """
        if self._files.is_in_memory(name):
            return f"kept in memory ({self._files.where(name)}), so sent again only until this machine restarts"
        return "" if self._files.where(name) else "it could be kept nowhere, so nobody sends it again"

    def get(self, name: str) -> Notification | None:
        """The notification with the id `name`; None where it has arrived, was dropped, or never was.

        Raises:
            InvalidInputError: its file is broken.
        """
        try:
            return _notifications().validate_json(self._files.read(name))
        except FileNotFoundError:
            return None
        except (OSError, ValidationError, ValueError) as error:
            message = f"{self._files.file(name)} is not a notification: {str(error).splitlines()[0]}"
            hint = "the audit log has who was to be called (notify.requested): call them, then remove the file"
            raise InvalidInputError(message, hint=hint) from error

    def all(self, problems: list[str] | None = None) -> list[Notification]:
        """Every notification, oldest first; why a file is none goes to `problems`."""
        found = []
        for name in self._files.names():
            try:
                found.append(self.get(name))
            except InvalidInputError as error:
                if problems is not None:
                    problems.append(error.message)
        return sorted(filter(None, found), key=lambda each: (each.requested, each.id))

    def settle(self, notification: Notification, receipt: Receipt, now: datetime) -> None:
        """Keep what became of `notification`: it is removed when nothing is left to do.

        One that was dropped meanwhile stays so, and one that was replaced by a later word is not touched.

        Raises:
            AuditError: it cannot be kept.
        """
        with suppress(InvalidInputError):
            now_there = self.get(notification.id)
            if now_there is None or now_there.requested != notification.requested:
                return
        if receipt.settled:
            self.remove(notification.id)
            return
        self.put(replace(notification, attempts=notification.attempts + 1, tried=now, receipt=receipt))

    def remove(self, name: str) -> None:
        """Forget the notification with the id `name`."""
        self._files.remove(name)

    def held(self) -> AbstractContextManager[bool]:
        """While the block lasts nobody else sends what waits here; False where another process does so just now.

        On a disk that cannot be locked on it is True: a page that is sent twice is the same incident.
        """
        return held_alone(self._path, _LOCK)
