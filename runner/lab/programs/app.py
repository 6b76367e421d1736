"""The web shop: one process that counts orders, tells whether it is well, and what it answers its customers.

`python -m runner.lab.programs.app --listen ADDRESS --port PORT --release-root DIR`; the libpq environment names the
database.

/health: 200 or 503, with the version and the reason. /orders: what a customer asks. /metrics: how they were answered.
The release is what the symbolic link DIR/current points to, read anew for every request: a release is a switch of it.
"""

from __future__ import annotations

import argparse
import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg

WINDOW = 300.0  # seconds: the five minutes of `error_rate_5m`
_DATABASE = "connect_timeout=2 application_name=shop options='-c statement_timeout=2000'"

Answer = tuple[HTTPStatus, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Release:
    """One release as it lies on disk: a directory with a VERSION, and, when it is a bad one, a file BROKEN."""

    version: str
    broken: bool

    @classmethod
    def current(cls, root: Path) -> Release:
        """The release that `root`/current points to; followed once, so that version and fault belong together."""
        directory = (root / "current").resolve()
        return cls((directory / "VERSION").read_text(encoding="utf-8").strip(), (directory / "BROKEN").exists())


@dataclass(slots=True)
class Traffic:
    """How the customers' requests were answered since the release changed, at most for the last `WINDOW` seconds."""

    version: str = ""
    answers: deque[tuple[float, bool, float]] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, version: str, *, failed: bool, now: float, took: float) -> None:
        """One request of a customer was answered by `version` at the monotonic second `now`, after `took` seconds."""
        with self.lock:
            self._turn_to(version)
            self.answers.append((now, failed, took))

    def metrics(self, version: str, *, now: float) -> dict[str, Any]:
        """`requests`, `errors`, `error_rate_5m` and `latency_p95_ms`; the last two are 0 without requests."""
        with self.lock:
            self._turn_to(version)
            while self.answers and self.answers[0][0] < now - WINDOW:
                self.answers.popleft()
            requests, errors = len(self.answers), sum(failed for _, failed, _ in self.answers)
            times = sorted(took for _, _, took in self.answers)
        rate = errors / requests if requests else 0.0
        slow = round(1000 * times[math.ceil(0.95 * requests) - 1], 3) if requests else 0.0
        counts = {"version": version, "requests": requests, "errors": errors}
        return {**counts, "error_rate_5m": rate, "latency_p95_ms": slow}

    def _turn_to(self, version: str) -> None:
        if version != self.version:
            self.version = version
            self.answers.clear()


@dataclass(frozen=True, slots=True)
class ShopService:
    """What the shop answers, without the HTTP around it."""

    release_root: Path
    count_orders: Callable[[], int]
    traffic: Traffic = field(default_factory=Traffic)

    def answer(self, path: str) -> Answer:
        """The status and JSON body of a GET of `path`."""
        try:
            release = Release.current(self.release_root)
        except OSError as error:
            return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "fail", "error": f"no release: {error.strerror}"}
        match path:
            case "/health":
                return self._health(release)
            case "/orders":
                return self._orders(release)
            case "/metrics":
                return HTTPStatus.OK, self.traffic.metrics(release.version, now=time.monotonic())
            case _:
                return HTTPStatus.NOT_FOUND, {"error": f"there is no {path}"}

    def _health(self, release: Release) -> Answer:
        body: Mapping[str, Any]
        try:
            status, body = HTTPStatus.OK, {"status": "ok", "orders": self.count_orders()}
        except psycopg.Error as error:
            status, body = HTTPStatus.SERVICE_UNAVAILABLE, {"status": "fail", "error": _last_line(error)}
        return status, {"version": release.version, **body}

    def _orders(self, release: Release) -> Answer:
        body: dict[str, Any]
        began = time.monotonic()
        try:
            status, body = HTTPStatus.OK, {"orders": self.count_orders()}
        except psycopg.Error as error:
            status, body = HTTPStatus.SERVICE_UNAVAILABLE, {"error": _last_line(error)}
        if release.broken:
            status, body = (
                HTTPStatus.INTERNAL_SERVER_ERROR,
                {"error": f"release {release.version} cannot read an order"},
            )
        now, failed = time.monotonic(), status >= HTTPStatus.INTERNAL_SERVER_ERROR
        self.traffic.note(release.version, failed=failed, now=now, took=now - began)
        return status, body


def count_orders() -> int:
    """The number of orders, through a connection of its own.

    Raises:
        psycopg.Error: there is no free connection, or no answer within 2 s.
    """
    with psycopg.connect(_DATABASE) as connection:
        row = connection.execute("SELECT count(*) FROM orders").fetchone()
    return int(row[0]) if row else 0


def _last_line(error: psycopg.Error) -> str:
    return str(error).strip().rpartition("\n")[2]


class JsonHandler(BaseHTTPRequestHandler):
    """The HTTP around what answers a GET of a path with a status and JSON."""

    timeout = 5.0  # seconds; a client that says nothing does not hold a thread

    def __init__(self, answer: Callable[[str], Answer], *arguments: Any) -> None:
        self.answer = answer
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer."""
        status, content = self.answer(self.path)
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a probe asks twenty times a second."""


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--release-root", required=True, type=Path)
    arguments = parser.parse_args()
    shop = ShopService(arguments.release_root, count_orders)
    ThreadingHTTPServer((arguments.listen, arguments.port), partial(JsonHandler, shop.answer)).serve_forever()


if __name__ == "__main__":
    main()
