"""What the steps of a comparison ask besides their hosts: a service that answers well, badly or not at all, SQL."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from runner.core.errors import InvalidInputError
from runner.lab.postgres import Postgres

SOON = 2
"""How often a service that `comes` is asked in vain."""

_READY = b'{"status": "ready", "n": 3, "checks": [{"state": "up"}]}'
_ANSWERS: Mapping[str, tuple[int, bytes] | None] = {
    "ok": (200, _READY),
    "nothing": None,
    "bytes": (200, b"\xff\xfe text"),
    "much": (200, b"0123456789" * 30_000),
    "headers": (200, _READY),
    "redirect": (302, b""),
    "zipped": (200, gzip.compress(_READY, mtime=0)),
    "trickle": (200, _READY),
    "oncalls": (200, b'{"oncalls": [{"user": {"summary": "Ann"}, "start": null, "end": null}]}'),
}

_HEADERS: Mapping[str, Mapping[str, str]] = {
    "headers": {"Results": "1", "Set-Cookie": "a=b", "Msg": "of the service", "X-Twice": "one, two"},
    "redirect": {"Location": "/ok"},
    "zipped": {"Content-Encoding": "gzip"},
}
"""What the answer to some paths says besides; some of it has the name of what modules themselves answer."""

_PAUSE = 0.3
"""Seconds before each byte of what trickles."""


@dataclass
class Asked:
    """How often each path was asked for on behalf of each host."""

    counts: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def again(self, path: str) -> int:
        """How often it was asked for before."""
        with self.lock:
            self.counts[path] += 1
            return self.counts[path] - 1


def answer(path: str, asked: Asked) -> tuple[int, bytes] | None:
    """The status and the body for that path; None where the connection is closed without a word."""
    name, rest = _name(path)
    if name in {"comes", "pipelines"}:
        return _in_time(name, rest, asked.again(path) >= SOON)
    if name == "status":
        return int(rest), b'{"status": "as you like"}'
    if name == "api":
        series = [{"metric": {}, "value": [time.time(), "3"]}]
        return _json(200, {"status": "success", "data": {"resultType": "vector", "result": series}})
    return _ANSWERS.get(name, (404, b'{"error": "not found"}'))


def _name(path: str) -> tuple[str, str]:
    """What is asked for, and what of it."""
    name, _, rest = path.partition("?")[0].strip("/").partition("/")
    return name, rest


def _in_time(name: str, rest: str, is_time: bool) -> tuple[int, bytes]:  # noqa: FBT001 - a fact, not a mode
    """What `comes` once it is time, and a pipeline, which has ended then."""
    if name == "comes":
        return (200, _READY) if is_time else (503, b'{"status": "starting"}')
    if not rest:
        return _json(201, {"id": 7, "link": "http://127.0.0.1/7"})
    return _json(200, {"id": int(rest), "state": ("success" if rest == "7" else "failed") if is_time else "running"})


def _json(status: int, body: Any) -> tuple[int, bytes]:
    return status, json.dumps(body).encode()


@contextmanager
def service(asked: Asked) -> Iterator[int]:
    """That service, until the block ends: its port on this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            """Nothing is written."""

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            answered = answer(self.path, asked)
            if answered is None:
                self.close_connection = True
                return
            status, body = answered
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            name, _ = _name(self.path)
            for header, text in _HEADERS.get(name, {}).items():
                self.send_header(header, text)
            self.end_headers()
            if name != "trickle":
                self.wfile.write(body)
                return
            with suppress(OSError):  # whoever asks has gone
                for byte in body:
                    time.sleep(_PAUSE)
                    self.wfile.write(bytes([byte]))

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - as the base class calls them

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def database(directory: Path) -> Iterator[dict[str, Any]]:
    """The variables of a host that reaches a database; one that nobody serves where PostgreSQL is not installed."""
    with ExitStack() as stack:
        try:
            served = stack.enter_context(Postgres.running(directory))
        except InvalidInputError:
            yield {"runbook_sql": {"PGHOST": "127.0.0.1", "PGPORT": "9", "PGUSER": "runbook", "PGDATABASE": "shop"}}
            return
        yield {"runbook_sql": served.environment("runbook"), "runbook_psql": str(served.psql)}
