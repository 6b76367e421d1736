"""Sends many pages, or asks many channels, at once, so that dead ones do not add up; says what became of each."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from functools import partial
from math import inf
from typing import TypeVar

from runner.channels.base import Channel, Patience, Receipt, Secrets, deliver
from runner.channels.transport import DEADLINE
from runner.core import wording
from runner.core.deferred import dataclass
from runner.escalation.outbox import Notification
from runner.kinds import plugins

_MARGIN = 0.2
LIMIT = DEADLINE + _MARGIN
"""Seconds that all pages together may take: each channel ends by itself before, and says more than that it is late."""

BRIEF = 3.0
"""Seconds for what nobody waits for: the pages of earlier runs, notes, who has resolved an incident before."""

Answer = TypeVar("Answer")

WAITS_ITS_TURN = "not sent, as the page before it has not arrived"

NO_CHANNEL = Receipt(wording.NO_CHANNEL, "refused", 0, "this contact has no channel in contacts.yml")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notification and the channel through which it goes; None for a contact who has none.

    One that must wait has the receipt that says so, `held`, and is not sent.
    """

    notification: Notification
    channel: Channel | None
    held: Receipt | None = None


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


def deliver_all(
    pages: Sequence[Outgoing], secrets: Secrets, *, limit: float = LIMIT, untold: float = inf
) -> Iterator[tuple[int, Receipt]]:
    """Send `pages`, all at once and in `limit` seconds together; a receipt for each by its place, as soon as it comes.

    Those to one contact by one channel about one incident go one after the other, in their order, each with what the
    channel calls what it made of those before. Where nobody knows what became of one, those after it are not sent.
    What cannot have arrived after `untold` seconds is given up then.
    """
    end = time.monotonic() + limit
    patience = Patience(max(0.001, limit - _MARGIN), untold)
    answers = {Future[Receipt](): place for place in range(len(pages))}
    queues: dict[object, list[tuple[Outgoing, Future[Receipt]]]] = {}
    for answer, place in answers.items():
        item, each = pages[place], pages[place].notification
        queues.setdefault(each.line, []).append((item, answer))
    for queue in queues.values():
        _begin(queue, secrets, patience)
    while answers:
        done = wait(answers, max(0.0, end - time.monotonic()), FIRST_COMPLETED).done or set(answers)
        for place, answer in sorted((answers.pop(answer), answer) for answer in done):
            yield place, _receipt(pages[place], answer, limit)


def _begin(queue: Sequence[tuple[Outgoing, Future[Receipt]]], secrets: Secrets, patience: Patience) -> None:
    """Send what stands in `queue`, in its order, in a thread of its own."""

    def send() -> None:
        held_up: Receipt | None = None
        references: tuple[str, ...] = ()
        for item, answer in queue:
            if not answer.set_running_or_notify_cancel():
                return
            receipt = held_up or _sent(item, references, secrets, patience)
            if receipt.status == "deferred":
                held_up = replace(receipt, attempts=0, reason=WAITS_ITS_TURN, sent=False, doubt=False)
            references += (receipt.reference,) if receipt.reference else ()
            answer.set_result(receipt)

    _in_background(send)


def answers_of(questions: Sequence[Callable[[], Answer]], *, limit: float = LIMIT) -> list[Answer | None]:
    """What each of `questions` gives, which are asked all at once, and in `limit` seconds together; None for the rest.

    None is also for one that fails: whoever asks goes on without.
    """
    end = time.monotonic() + limit
    answers = [Future[Answer | None]() for _ in questions]
    for question, answer in zip(questions, answers, strict=True):
        _in_background(partial(_ask, question, answer))
    return [_answer(answer, end) for answer in answers]


def _ask(question: Callable[[], Answer], answer: Future[Answer | None]) -> None:
    try:
        answer.set_result(question())
    except BaseException:  # noqa: BLE001 - its text may hold a secret
        answer.set_result(None)


def _answer(answer: Future[Answer | None], end: float) -> Answer | None:
    try:
        return answer.result(max(0.0, end - time.monotonic()))
    except TimeoutError:
        return None


def _in_background(work: Callable[[], None]) -> None:
    try:
        threading.Thread(target=work, name="runbook-page", daemon=True).start()
    except RuntimeError:  # the system has no thread left: one after the other is late, but not lost
        work()


def _receipt(item: Outgoing, answer: Future[Receipt], limit: float) -> Receipt:
    """The receipt of what is answered, or for which there is no time any more."""
    if answer.cancel():  # it has not begun, and will not
        return Receipt(_key(item.channel), "deferred", 0, "not sent, as there was no time left", sent=False)
    try:
        return answer.result(0.0)
    except TimeoutError:
        return Receipt(_key(item.channel), "deferred", 1, f"no answer within {limit:.0f} s", doubt=True)


def _sent(item: Outgoing, references: tuple[str, ...], secrets: Secrets, patience: Patience) -> Receipt:
    if item.held or item.channel is None:
        return item.held or NO_CHANNEL
    page = item.notification.page
    return deliver(item.channel, replace(page, references=(*page.references, *references)), secrets, patience)


def _key(channel: Channel | None) -> str:
    return str(getattr(channel, "key", type(channel).__name__))
