"""One exchange over the network, in a thread that can be left behind, so that it ends when its seconds are over."""

from __future__ import annotations

import json
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from runner.core.deferred import dataclass
from runner.core.identifiers import is_loopback

if TYPE_CHECKING:  # imported where it is used: a command that reads contacts.yml does not wait for it
    from concurrent.futures import Future
    from http.client import HTTPConnection

LONGEST_ANSWER = 1_048_576
"""Bytes of an answer's body that are read."""

_PORTS = {"http": 80, "https": 443}

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class WebRequest:
    """One HTTP request; any part of it may hold a secret, so that none of it shows."""

    url: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: Literal["GET", "POST"] = "POST"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back; `retry_after` is the wait in seconds that the other side asks for, 0 when it asks for none."""

    status: int
    body: bytes
    retry_after: float = 0.0

    @property
    def content(self) -> Mapping[str, Any]:
        """The body where it is a JSON object, else an empty one."""
        content = self.data
        return content if isinstance(content, dict) else {}

    @property
    def data(self) -> Any:
        """The body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Exchange(Generic[_Result]):
    """Work that uses the network, given up after `limit` seconds. `sent` says whether it may have told anything.

    Work that has told nothing after `silent` seconds is given up then. What is told may be done on the other side, and
    only its answer says so: that is waited for until the limit.

    A socket's timeout bounds each wait, not their sum: a name server that hangs or a server that drips would hold us.
    """

    def __init__(self, work: Callable[[Exchange[_Result]], _Result], limit: float, silent: float) -> None:
        from concurrent.futures import Future  # noqa: PLC0415

        self.limit, self.silent = limit, min(silent, limit)
        self.sent = False
        self._work = work
        self._result: Future[_Result] = Future()
        self._socket: Callable[[], socket.socket | None] = lambda: None
        self._abandoned = False

    def result(self) -> _Result:
        """What the work gives, or whatever went wrong; TimeoutError when it took longer than the limit."""
        end = time.monotonic() + self.limit
        threading.Thread(target=self._run, name="runbook-page", daemon=True).start()
        try:
            with suppress(TimeoutError):
                return self._result.result(self.silent)
            waits = self.sent and not self._result.done()
            return self._result.result(max(0.0, end - time.monotonic()) if waits else 0.0)
        finally:
            if not self._result.done():
                self._abandon()

    def watch(self, socket_of: Callable[[], socket.socket | None]) -> None:
        """For the work: by which socket it can be woken up when it is given up."""
        self._socket = socket_of

    def departs(self) -> None:
        """For the work: from here on something is told.

        Raises:
            TimeoutError: somebody has been told that this failed, so nothing may be told any more.
        """
        self.sent = True  # before it is asked whether anybody waits: then nothing goes out that is taken for unsent
        if self._abandoned:
            raise TimeoutError

    def _run(self) -> None:
        try:
            self._result.set_result(self._work(self))
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits for it
            self._result.set_exception(error)

    def _abandon(self) -> None:
        self._abandoned = True
        sock = self._socket()
        if sock is not None:
            with suppress(
                OSError
            ):  # wakes the thread; not SSLSocket.shutdown, after which writes would go out in clear
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def http_exchange(request: WebRequest, exchange: Exchange[HttpAnswer]) -> HttpAnswer:
    """The answer to `request`; a GET tells nothing."""
    connection = _connection(request.url, exchange.silent)
    exchange.watch(lambda: connection.sock)
    with closing(connection):
        connection.connect()
        connection.sock.settimeout(exchange.limit)
        if request.method != "GET":
            exchange.departs()
        connection.request(request.method, _target(request.url), request.body, dict(request.headers))
        with closing(connection.getresponse()) as response:
            wait = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
            return HttpAnswer(response.status, response.read(LONGEST_ANSWER), wait)


def _connection(url: str, timeout: float) -> HTTPConnection:
    import ssl  # noqa: PLC0415
    from http.client import HTTPConnection, HTTPSConnection  # noqa: PLC0415

    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    if parts.scheme == "http":
        return HTTPConnection(host, port, timeout=timeout)
    context = ssl.create_default_context()
    proxy = _proxy(host)
    if proxy is None:
        return HTTPSConnection(host, port, timeout=timeout, context=context)
    connection = HTTPSConnection(proxy.hostname or "", proxy.port or 80, timeout=timeout, context=context)
    connection.set_tunnel(host, port, _proxy_headers(proxy))
    return connection


def _proxy(host: str) -> SplitResult | None:
    """The proxy that HTTPS_PROXY names for `host`, unless NO_PROXY or the loopback interface makes it needless."""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

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
