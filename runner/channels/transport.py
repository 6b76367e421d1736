"""The only module that uses the network: one POST, repeated where that can help, with an end before a deadline."""

from __future__ import annotations

import http.client
import random
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from itertools import count
from typing import Annotated, Literal
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import AfterValidator, WithJsonSchema

from runner.channels.base import Receipt

DEADLINE = 8.0
"""Seconds in which a page is accepted, or known not to be: an operator waits for the answer."""
ATTEMPT = 3.0
"""Seconds one request may take, so that one that hangs leaves time for another."""
FIRST_PAUSE = 0.5
"""Seconds before the second attempt at most; doubles each time."""
LONGEST_ANSWER = 65536
"""Bytes of an answer's body that are read."""

_AGAIN = frozenset({408, 429})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Post:
    """One request; any part of it may hold a secret, so that none of it shows."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back; `retry_after` is the wait in seconds that the other side asks for, 0 when it asks for none."""

    status: int
    body: bytes
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt means for the page, and why; `sent` is False where nothing has left this machine."""

    status: Literal["accepted", "refused", "again"]
    reason: str
    sent: bool = True


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


@dataclass(frozen=True, slots=True)
class Transport:
    """Sends posts within `deadline` seconds in all, each attempt within `attempt` seconds.

    `jitter` gives numbers from 0 to 1 that spread the retries of many senders.
    """

    deadline: float = DEADLINE
    attempt: float = ATTEMPT
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def send(self, channel: str, post: Post, *, judge: Callable[[HttpAnswer], Verdict] = judge) -> Receipt:
        """Sends `post` until `judge` is content, the other side refuses, or another attempt would pass the deadline."""
        end, sent = time.monotonic() + self.deadline, False
        for number in count(1):
            left = max(0.001, end - time.monotonic())  # a pause can last longer than it was meant to
            verdict, wait = _attempt(post, judge, limit=min(self.attempt, left))
            sent |= verdict.sent
            if verdict.status != "again":
                return Receipt(channel, verdict.status, number, verdict.reason)
            pause = max(wait, FIRST_PAUSE * 2 ** (number - 1) * (1 + self.jitter()) / 2)
            if pause >= end - time.monotonic():
                break
            self.sleep(pause)
        late = f"the next attempt, in {pause:.1f} s, would pass the deadline of {self.deadline:g} s"
        return Receipt(channel, "deferred", number, f"{verdict.reason}; {late}", sent=sent)


STANDARD = Transport()
"""How pages are sent unless a test says otherwise."""


def _attempt(post: Post, judge: Callable[[HttpAnswer], Verdict], *, limit: float) -> tuple[Verdict, float]:
    exchange = _Exchange(post, limit)
    try:
        answer = exchange.answer()
    except TimeoutError:
        return Verdict("again", f"no answer within {limit:.1f} s", sent=exchange.sent), 0.0
    except ssl.SSLCertVerificationError as error:  # nothing that another attempt could mend
        mend = "check the address and this machine's clock, or name the authority's file in SSL_CERT_FILE"
        return Verdict("refused", f"the certificate is not trusted ({error.verify_message}): {mend}"), 0.0
    except http.client.HTTPException as error:
        return Verdict("again", f"the answer is not HTTP ({type(error).__name__})"), 0.0
    except OSError as error:
        reason = f"network error: {legible(error.strerror or str(error))}"
        return Verdict("again", reason, sent=exchange.sent), 0.0
    except ValueError as error:  # its text may quote a header or the proxy's password
        return Verdict("refused", f"the address or HTTPS_PROXY cannot be used ({type(error).__name__})"), 0.0
    return judge(answer), answer.retry_after


class _Exchange:
    """One request and its answer, in a thread that can be walked away from.

    A socket's timeout bounds each wait, not their sum: a name server that hangs or a server that drips would hold us.
    """

    def __init__(self, post: Post, limit: float) -> None:
        self._post, self._limit = post, limit
        self.sent = False
        self._answer: Future[HttpAnswer] = Future()
        self._connection: http.client.HTTPConnection | None = None
        self._abandoned = False

    def answer(self) -> HttpAnswer:
        """The answer, or whatever went wrong; TimeoutError when it took longer than the limit."""
        threading.Thread(target=self._run, name="runbook-page", daemon=True).start()
        try:
            return self._answer.result(self._limit)
        finally:
            if not self._answer.done():
                self._abandon()

    def _run(self) -> None:
        try:
            self._answer.set_result(self._exchange())
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits for it
            self._answer.set_exception(error)

    def _exchange(self) -> HttpAnswer:
        self._connection = _connection(self._post.url, self._limit)
        with closing(self._connection) as connection:
            connection.connect()
            self.sent = True  # before it is asked whether anybody waits: then nothing goes out that is taken for unsent
            if self._abandoned:  # somebody was told that this failed: it must not be sent now
                raise TimeoutError
            connection.request("POST", _target(self._post.url), self._post.body, dict(self._post.headers))
            response = connection.getresponse()
            wait = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
            return HttpAnswer(response.status, response.read(LONGEST_ANSWER), wait)

    def _abandon(self) -> None:
        self._abandoned = True
        sock = self._connection.sock if self._connection else None
        if sock is not None:
            with suppress(
                OSError
            ):  # wakes the thread; not SSLSocket.shutdown, after which writes would go out in clear
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _connection(url: str, timeout: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context()
    proxy = _proxy(host)
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    connection = http.client.HTTPSConnection(proxy.hostname or "", proxy.port or 80, timeout=timeout, context=context)
    connection.set_tunnel(host, port, _proxy_headers(proxy))
    return connection


def _proxy(host: str) -> SplitResult | None:
    """The proxy that HTTPS_PROXY names for `host`, unless NO_PROXY or the loopback interface makes it needless."""
    text = getproxies().get("https")
    if not text or is_loopback(host) or proxy_bypass(host):
        return None
    proxy = urlsplit(text if "://" in text else f"http://{text}")
    if proxy.scheme != "http":
        raise ValueError("only proxies that are spoken to in plain HTTP are understood")
    return proxy


def _proxy_headers(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def retry_after(value: str | None, date: str | None) -> float:
    """The seconds that the header Retry-After asks to wait, 0 when it asks for nothing (RFC 9110 section 10.2.3).

    Its form with a date is measured against the answer's own Date: no clock is read, and none needs to agree.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - parsedate_to_datetime(date or "")).total_seconds())
    except (TypeError, ValueError, OverflowError, IndexError):
        return 0.0


def legible(text: str, length: int = 200) -> str:
    """`text` from the other side, made safe to print and short."""
    return "".join(letter if letter.isprintable() else " " for letter in text[: 2 * length]).strip()[:length]


def is_loopback(host: str) -> bool:
    """Whether `host` can only be this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(url: str) -> str:
    """`url` when a page may go there; no complaint quotes it, as many a webhook's address is itself a secret."""
    parts = _split(url)
    if parts is None or not (url.isascii() and url.isprintable() and " " not in url):
        raise ValueError("write a whole address, like https://events.example.com/path, in ASCII and without spaces")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not hold a user or a password: use a header with a reference to the secret")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("a page goes over https://; http:// is for this machine only (127.0.0.1, [::1], localhost)")
    return url


def _split(url: str) -> SplitResult | None:
    """The parts of `url`, or None when it names no host or a port that cannot be."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


Address = Annotated[
    str, AfterValidator(_address), WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})
]
"""Where a page may be sent: https, or http on the loopback interface so that a drill can stand in for the world."""
