"""Where the demo's announcements and pages arrive: a small HTTP server that remembers what it was told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from runner.core.deferred import dataclass

_LONGEST = 1_048_576


@dataclass
class Receiver:
    """`received` are the JSON bodies that were posted to `url`, or below it, in order; each with the name below it."""

    url: str
    received: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def messages(self) -> list[Any]:
        """The bodies, whatever they were posted to."""
        return [message for _, message in self.received]

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator[Self]:
        """A receiver on a free port of 127.0.0.1, until the block ends."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _MessageHandler)
        receiver = server.receiver = cls(f"http://127.0.0.1:{server.server_port}/")  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _MessageHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Remember the message."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), _LONGEST))
        self.server.receiver.received.append((self.path.strip("/"), json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the screen belongs to the demo."""
