"""Sends many pages at once, so that dead channels do not add up, and says what became of each."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from runner.channels.base import Channel, Receipt, Secrets, deliver
from runner.channels.transport import DEADLINE
from runner.core import wording
from runner.escalation.outbox import Notification
from runner.kinds import plugins

LIMIT = DEADLINE + 0.2
"""Seconds that all pages together may take: each channel ends by itself before, and says more than that it is late."""

BRIEF = 3.0
"""Seconds for what nobody waits for: the pages of earlier runs, and news that follow a page."""

NO_CHANNEL = Receipt(wording.NO_CHANNEL, "refused", 0, "this contact has no channel in contacts.yml")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notification and the channel through which it goes; None for a contact who has none."""

    notification: Notification
    channel: Channel | None


def outgoing(notification: Notification) -> Outgoing:
    """`notification` with its channel as contacts.yml had it.

    Raises:
        LookupError: no channel has that key any more: a package is missing.
        ValueError: the channel does not understand these options.
    """
    if not notification.channel:
        return Outgoing(notification, None)
    ((key, options),) = notification.channel.items()
    return Outgoing(notification, plugins.channels()[key].model_validate(options))


def deliver_all(pages: Sequence[Outgoing], secrets: Secrets, *, limit: float = LIMIT) -> list[Receipt]:
    """Send `pages`, all at once and in `limit` seconds together; a receipt for each, whatever happens to it."""
    end = time.monotonic() + limit
    answers = [_begun(item, secrets) for item in pages]
    return [_receipt(item, answer, end, limit) for item, answer in zip(pages, answers, strict=True)]


def _begun(item: Outgoing, secrets: Secrets) -> Future[Receipt]:
    answer: Future[Receipt] = Future()

    def send() -> None:
        answer.set_result(_sent(item, secrets))

    try:
        threading.Thread(target=send, name="runbook-page", daemon=True).start()
    except RuntimeError:  # the system has no thread left: one after the other is late, but not lost
        send()
    return answer


def _receipt(item: Outgoing, answer: Future[Receipt], end: float, limit: float) -> Receipt:
    try:
        return answer.result(max(0.0, end - time.monotonic()))
    except TimeoutError:
        return Receipt(_key(item.channel), "deferred", 1, f"no answer within {limit:.0f} s", doubt=True)


def _sent(item: Outgoing, secrets: Secrets) -> Receipt:
    return deliver(item.channel, item.notification.page, secrets) if item.channel else NO_CHANNEL


def _key(channel: Channel | None) -> str:
    return str(getattr(channel, "key", type(channel).__name__))
