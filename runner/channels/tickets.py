"""What all systems of tickets have in common: a ticket is opened once, however often it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Annotated, Any

from pydantic import StringConstraints

from runner.channels import transport as network
from runner.channels.base import Action, Page, Receipt, SecretReference, Secrets, reveal
from runner.channels.exchange import HttpAnswer, WebRequest
from runner.channels.payload import as_text, fit, one_line
from runner.core.deferred import regex

LONGEST_TITLE = 200
LONGEST_TEXT = 30_000
"""Characters; Jira takes 32,767 in a description, GitHub 65,536 in a body."""

_LINK = regex(r"https?://[!-~]{1,500}")
"""An address as people can follow it: printable ASCII."""
_NO_ANSWER_BEHIND = frozenset({502, 504})
_TAKEN = 2
"""The class of a status that says that something was done, whatever the body says."""

Label = Annotated[str, StringConstraints(pattern=r"^[^\s,]{1,50}$")]


class TicketChannel(network.NetworkChannel):
    """A system of tickets, which is opened with a `token`."""

    token: SecretReference

    def does(self, action: Action) -> bool:
        """Tickets only."""
        return action == "ticket"

    def tell(self, page: Page, secrets: Secrets, transport: network.Transport) -> Receipt:
        """Opens the ticket, unless it is there."""
        token = reveal(self.token, secrets)
        return transport.repeat(self.key, partial(self._open, page, token, TicketOpening()))

    def check(self, secrets: Secrets) -> None:
        """Look whether the token is there."""
        reveal(self.token, secrets)

    def _open(self, page: Page, token: str, opening: TicketOpening, attempt: network.SendAttempt) -> network.Verdict:
        """One attempt to open the ticket of `page`."""
        raise NotImplementedError


def marker(page: Page) -> str:
    """The label by which the ticket of `page` is found again."""
    return f"runbook-{sha256(page.dedup_key.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def title(page: Page) -> str:
    """The title of the ticket."""
    return one_line(page.summary, LONGEST_TITLE) or "(not given)"


def text(page: Page, fence: str, end: str) -> str:
    """The text of the ticket: where it comes from, links, and each detail between `fence` and `end`."""
    where = ", ".join(filter(None, (one_line(page.component), one_line(page.group), one_line(page.source))))
    links = [f"{one_line(label)}: {one_line(href)}" for href, label in page.links]
    details = [
        f"{one_line(name)}:\n{fence}\n{_inside(as_text(value), fence, end)}\n{end}"
        for name, value in fit(page.details, LONGEST_TEXT // 2).items()
    ]
    whole = "\n\n".join([f"From a run of {where}, {page.timestamp:%Y-%m-%d %H:%M %Z}.", *links, *details])
    return whole if len(whole) <= LONGEST_TEXT else f"{whole[: LONGEST_TEXT - len(end) - 2]}\n{end}"


def _inside(content: str, *marks: str) -> str:
    """`content` without what would end the block that it stands in."""
    return re.sub("|".join(map(re.escape, marks)), "'''", content)


class TicketOpening:
    """The opening of one ticket, in as many attempts as it takes.

    Once it was asked for, and no answer says what became of that, it is only looked for: a search may not show a new
    ticket for a while.
    """

    def __init__(self) -> None:
        self._in_doubt = False

    def once(
        self,
        attempt: network.SendAttempt,
        find: WebRequest,
        create: WebRequest,
        *,
        ticket_of: Callable[[Any], tuple[str, str]],
        judge: Callable[[HttpAnswer], network.Verdict],
        prefix: str,
    ) -> network.Verdict:
        """Ask for the ticket by `find`, and open it by `create` where there is none; the verdict refers to its key.

        `ticket_of` gives the key in what the other side answers to either, empty where there is none, and where people
        see the ticket; it may raise LookupError or TypeError for what is no such answer.
        """
        for request, words in ((find, "it is there already"), (create, "opened")):
            if request is create and self._in_doubt:
                return network.Verdict("again", "it was asked for, and a search does not show it yet", doubt=True)
            answer = attempt.ask(request) if request is find else self._created(attempt, request)
            verdict = judge(answer)
            if verdict.status != "accepted":
                return replace(verdict, doubt=self._in_doubt and request is create)
            try:
                key, link = ticket_of(answer.data)
            except (LookupError, TypeError):
                reason = f"{verdict.reason}, but with something else: is a proxy in between?"
                return network.Verdict("again", reason, doubt=request is create)
            if key:
                where = f", {link}" if _LINK.fullmatch(link) else ""
                return network.Verdict("accepted", f"{words}: {key}{where}", reference=f"{prefix}{key}")
        return network.Verdict("again", f"{verdict.reason}, but without the key of the ticket", doubt=True)

    def _created(self, attempt: network.SendAttempt, create: WebRequest) -> HttpAnswer:
        """The answer to `create`; without one, or from a gateway that got none, nobody knows what became of it."""
        try:
            answer = attempt.ask(create)
        except BaseException:
            self._in_doubt = attempt.sent
            raise
        self._in_doubt = answer.status in _NO_ANSWER_BEHIND or answer.status // 100 == _TAKEN
        return answer


def refused_because(verdict: network.Verdict, complaint: Any) -> network.Verdict:
    """The same, and what the other side complains of, if it is a text and the verdict is a refusal."""
    words = network.legible(complaint) if isinstance(complaint, str) else ""
    if verdict.status != "refused" or not words:
        return verdict
    return network.Verdict("refused", f"{verdict.reason}: {words}")


def headers(authorization: str, **more: str) -> Mapping[str, str]:
    """What each request says of itself; GitHub answers none without a User-Agent."""
    return {"Authorization": authorization, "Content-Type": "application/json", "User-Agent": "runbookctl", **more}
