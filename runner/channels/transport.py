"""The one way to the network: whatever is told is repeated where that can help, with an end before a deadline."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from math import inf
from typing import Literal, TypeVar

from runner.channels.base import Channel, Page, Patience, Receipt, SecretMissingError, Secrets
from runner.channels.exchange import Exchange, HttpAnswer, WebRequest, http_exchange
from runner.core.deferred import dataclass

DEADLINE = 8.0
"""Seconds in which a page is accepted, or known not to be: an operator waits for the answer."""
ATTEMPT = 3.0
"""Seconds until something is sent, so that a connection that hangs leaves time for another; answers may take longer."""
FIRST_PAUSE = 0.5
"""Seconds before the second attempt at most; doubles each time."""

_AGAIN = frozenset({408, 429})

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt means for the page, and why; `reference` is what the other side calls what it made of it.

    `doubt` says that the page may have arrived, though no answer says so; `silent` that the other side said nothing.
    """

    status: Literal["accepted", "refused", "again"]
    reason: str
    reference: str = ""
    doubt: bool = False
    silent: bool = False


def judge(answer: HttpAnswer) -> Verdict:
    """What an answer's status means: 2xx is accepted; 408, 429 and 5xx are worth another attempt; the rest is refused.

    PagerDuty's table (Events API v2 overview, "Response Codes & Retry Logic") says to try again after 429, 5xx and
    network errors. It does not list 408, which a proxy sends when the request did not reach it in time: a network error
    in other words, that RFC 9110 section 15.5.9 lets a client repeat. With a dedup key a repetition is harmless, so 408
    is tried again. A redirect is never followed: it would carry the secret to whoever can send one.
    """
    reason = f"answered {answer.status}"
    if answer.status // 100 == 2:  # noqa: PLR2004 - the class of a status
        return Verdict("accepted", reason)
    if answer.status in _AGAIN or answer.status // 100 == 5:  # noqa: PLR2004
        return Verdict("again", reason)
    if answer.status // 100 == 3:  # noqa: PLR2004
        return Verdict("refused", f"{reason}, a redirect, and redirects are never followed: write the final address")
    return Verdict("refused", reason)


class SendAttempt:
    """One attempt to tell a page, which may ask several things, one after the other, within `seconds` in all.

    Each of them is given up when it has told nothing after `silent` seconds.

    `sent` says whether any of it may have told something; `wait` is how long the last answer asked to wait.
    """

    def __init__(self, seconds: float, silent: float) -> None:
        self.sent = False
        self.wait = 0.0
        self._silent, self._end = silent, time.monotonic() + seconds

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return max(0.001, self._end - time.monotonic())

    def ask(self, request: WebRequest) -> HttpAnswer:
        """The answer to `request`.

        Raises:
            OSError, http.client.HTTPException, ValueError: there is none; the transport knows what that means.
        """
        answer: HttpAnswer = self.do(partial(http_exchange, request))
        self.wait = answer.retry_after
        return answer

    def do(self, work: Callable[[Exchange[_Result]], _Result]) -> _Result:
        """What `work` gives, which uses the network; raises what it raises, and TimeoutError when it takes too long."""
        exchange = Exchange(work, self.left, self._silent)
        try:
            return exchange.result()
        finally:
            self.sent |= exchange.sent

    def verdict(self, tell: "Callable[[SendAttempt], Verdict]") -> Verdict:
        """What `tell` says of this attempt, or what it means that the network gave no answer."""
        from http.client import HTTPException  # noqa: PLC0415 - a command that reads contacts.yml does not wait for it
        from ssl import SSLCertVerificationError  # noqa: PLC0415

        try:
            return tell(self)
        except TimeoutError:
            return Verdict("again", "no answer", doubt=self.sent, silent=True)
        except SSLCertVerificationError as error:  # nothing that another attempt could mend
            mend = "check the address and this machine's clock, or name the authority's file in SSL_CERT_FILE"
            return Verdict("refused", f"the certificate is not trusted ({error.verify_message}): {mend}")
        except HTTPException as error:
            return Verdict("again", f"the answer is not HTTP ({type(error).__name__})", doubt=self.sent)
        except OSError as error:
            words = legible(error.strerror or str(error))
            return Verdict("again", f"network error: {words}", doubt=self.sent)
        except ValueError as error:  # its text may quote a header or the proxy's password
            return Verdict("refused", f"the address or HTTPS_PROXY cannot be used ({type(error).__name__})")


@dataclass(frozen=True, slots=True)
class Transport:
    """Tells pages within `deadline` seconds in all; what has told nothing after `attempt` seconds is tried anew.

    What cannot have arrived after `untold` seconds is given up then; what may have is waited for until the deadline.
    `jitter` gives numbers from 0 to 1 that spread the retries of many senders; `now` is the time in seconds since 1970
    that a signature holds.
    """

    deadline: float = DEADLINE
    attempt: float = ATTEMPT
    untold: float = inf
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    now: Callable[[], float] = time.time

    def send(
        self,
        channel: str,
        request: WebRequest,
        *,
        judge: Callable[[HttpAnswer], Verdict] = judge,
        most_doubts: int | None = None,
    ) -> Receipt:
        """Sends `request` until `judge` is content, the other side refuses, or another attempt would be too late.

        `most_doubts` is after how many attempts in doubt it ends: where a repetition is one more message for people.
        """
        return self.repeat(channel, lambda attempt: judge(attempt.ask(request)), most_doubts=most_doubts)

    def repeat(
        self, channel: str, tell: Callable[[SendAttempt], Verdict], *, most_doubts: int | None = None
    ) -> Receipt:
        """Calls `tell` until its verdict is final, or another attempt would pass the deadline, or as `send` says."""
        begin = time.monotonic()
        sent, doubts, wait = False, 0, 0.0
        answered, silent_since = "", begin
        for number in count(1):
            passed = time.monotonic() - begin
            left = max(0.001, self.deadline - passed)  # a pause can last longer than it was meant to
            attempt = SendAttempt(left, min(self.attempt, max(0.001, self._limit(doubts) - passed)))
            verdict = attempt.verdict(tell)
            sent |= attempt.sent
            doubts += verdict.doubt
            if verdict.status != "again":
                return Receipt(channel, verdict.status, number, verdict.reason, reference=verdict.reference)
            if not verdict.silent:
                answered, silent_since = verdict.reason, time.monotonic()
            if doubts == most_doubts:
                late = "it is not sent again, as it may be there already"
                break
            wait = attempt.wait
            pause = max(wait, FIRST_PAUSE * 2 ** (number - 1) * (1 + self.jitter()) / 2)
            limit = self._limit(doubts)
            if pause >= begin + limit - time.monotonic():
                late = f"the next attempt, in {pause:.1f} s, would pass the deadline of {limit:.3g} s"
                break
            self.sleep(pause)
        nothing = f"no answer within {time.monotonic() - silent_since:.1f} s" if verdict.silent else ""
        reason = "; ".join(filter(None, [answered, nothing, late]))
        return Receipt(channel, "deferred", number, reason, sent=sent, doubt=doubts > 0, wait=wait)

    def _limit(self, doubts: int) -> float:
        """How many seconds it is tried after so many attempts of which nobody knows whether they have arrived."""
        return self.deadline if doubts else min(self.deadline, self.untold)


STANDARD = Transport()
"""How pages are sent unless a test says otherwise."""


class NetworkChannel(Channel):
    """A channel that sends through a transport, and so in the time that it is given."""

    def send(self, page: Page, *, secrets: Secrets, transport: Transport = STANDARD) -> Receipt:
        """Tells `page`, as any channel does, through `transport`; it is refused where a secret is missing."""
        try:
            return self.tell(page, secrets, transport)
        except SecretMissingError as error:
            return Receipt(self.key, "refused", 0, f"{error.message}: {error.hint}")

    def tell(self, page: Page, secrets: Secrets, transport: Transport) -> Receipt:
        """The same; raises SecretMissingError where a secret is missing."""
        raise NotImplementedError

    def send_within(self, page: Page, *, secrets: Secrets, patience: Patience) -> Receipt:
        """Tells `page` in the time that whoever waits has for it."""
        hurried = replace(STANDARD, deadline=patience.seconds, untold=patience.untold)
        return self.send(page, secrets=secrets, transport=hurried)


def legible(text: str, length: int = 200) -> str:
    """`text` from the other side, made safe to print and short."""
    return "".join(letter if letter.isprintable() else " " for letter in text[: 2 * length]).strip()[:length]
