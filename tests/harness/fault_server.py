"""A server on loopback that misbehaves on purpose, over HTTP or HTTPS, in the order a test writes down."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self

from harness.pagerduty_contract import faults, is_event, is_rest, rest_faults

OK = b'{"status":"success","message":"Event processed","dedup_key":"k"}'
BAD_REQUEST = json.dumps(
    {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": ["'payload.source' is missing or blank"],
    }
).encode()


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    headers: dict[str, str]
    body: bytes
    mode: Any
    method: str = "POST"


class FaultServer:
    """Answers the first request as the first of `modes` says, and so on; the last mode stays.

    A mode is a status (`"429"`), a status with headers and perhaps a body (`("503", {"Retry-After": "1"}, b"later")`),
    or one of: `ok` (as the service answers), `late` (as the service, after a second), `slow` (never answers), `drip` (a body byte by byte), `drip-head` (a header
    byte by byte), `rst` (hangs up), `accept_then_rst` (takes the event, loses the answer), `accept_then_slow` (takes it, never answers), `html` (202 from something
    else), `redir`, `deep` (JSON that no parser survives), `garbage` (not HTTP), `echo` (400 that quotes the request).
    """

    def __init__(self, *modes: Any, tls: Any = None, service: Any = None) -> None:
        """`service` answers what is taken: a status and a body for a `Request`; PagerDuty's acceptance without one."""
        self.modes = modes or ("ok",)
        self.service = service or (lambda request: (202, OK))
        self.requests: list[Request] = []
        self.answered: list[tuple[Request, tuple[int, bytes]]] = []
        self.stopping = Event()
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), lambda *arguments: _Handler(self, *arguments))
        if tls is not None:  # the handshake is left to the thread of the connection
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
            )
        self._scheme = "https" if tls is not None else "http"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def root(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v2/enqueue"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        sent = [each for each in self.requests if is_event(each.path, each.body)]
        found = [fault for each in sent for fault in faults(each.body, each.path)]
        asked = [(each, answer) for each, answer in self.answered if is_rest(each.path, each.headers)]
        found += [fault for each, answer in asked for fault in rest_faults(each, answer)]
        assert kind or not found, f"PagerDuty would refuse what was sent: {found}"

    @property
    def bodies(self) -> list[bytes]:
        return [request.body for request in self.requests]

    @property
    def events(self) -> list[Any]:
        """The bodies, read as JSON."""
        return [json.loads(body) for body in self.bodies]

    @property
    def accepted(self) -> list[Any]:
        """The events that a real receiver would have taken, whether or not the client learnt of it."""
        return [json.loads(request.body) for request in self.requests if request.mode in ("ok", "accept_then_rst")]

    def take(self, path: str, headers: dict[str, str], body: bytes, method: str) -> tuple[Any, tuple[int, bytes]]:
        """Writes the request down; the mode in which it is answered, and what the service says if it gets it."""
        with self._lock:
            mode = self.modes[min(len(self.requests), len(self.modes) - 1)]
            request = Request(path, headers, body, mode, method)
            self.requests.append(request)
            if mode not in ("ok", "late", "accept_then_rst", "accept_then_slow"):
                return mode, (0, b"")
            self.answered.append((request, answer := self.service(request)))
            return mode, answer


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for every connection

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, faults: FaultServer, *arguments: Any) -> None:
        self.faults = faults
        super().__init__(*arguments)

    def log_message(self, *arguments: Any) -> None:
        """Nothing is written to the test's output."""

    def do_GET(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        mode, self.answer = self.faults.take(self.path, dict(self.headers), body, self.command)
        self.close_connection = True
        if isinstance(mode, tuple):
            status, headers, *body = mode
            self._answer(int(status), *body, headers=headers)
        elif mode.isdigit():
            self._answer(int(mode), BAD_REQUEST if mode == "400" else b'{"status":"error","message":"no"}')
        else:
            self._faults(body)[mode]()

    def _faults(self, body: bytes) -> dict[str, Callable[[], None]]:
        return {
            "ok": lambda: self._answer(*self.answer),
            "late": lambda: self._wait(1.0) or self._answer(*self.answer),
            "slow": lambda: self._wait(3600),
            "drip": lambda: self._drip(b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000\r\n\r\n", b" "),
            "drip-head": lambda: self._drip(b"HTTP/1.1 202 Accepted\r\nX-Slow: ", b"x"),
            "rst": self._reset,
            "accept_then_rst": self._reset,
            "accept_then_slow": lambda: self._wait(3600),
            "html": lambda: self._answer(202, b"<html>Please log in to the network</html>"),
            "redir": lambda: self._answer(302, headers={"Location": "http://127.0.0.1:9/"}),
            "deep": lambda: self._answer(202, b"[" * 60_000),
            "garbage": lambda: self._raw(b"220 smtp.example.com ESMTP\r\n"),
            "echo": lambda: self._answer(
                400, json.dumps({"message": body.decode(), "errors": [body.decode()]}).encode()
            ),
        }

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        usual = {"Date": self.date_time_string(), "Content-Length": str(len(body)), "Content-Type": "application/json"}
        for name, value in {**usual, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self._raw(body)

    def _raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def _wait(self, seconds: float) -> bool:
        return self.faults.stopping.wait(seconds)

    def _drip(self, head: bytes, drop: bytes) -> None:
        self._raw(head)
        while not self._wait(0.05):
            self._raw(drop)

    def _reset(self) -> None:
        """Closes with a TCP reset instead of an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class TunnelProxy:
    """A proxy that understands CONNECT and leads every tunnel to `port` on loopback."""

    def __init__(self, port: int, *, status: str = "200 Connection established") -> None:
        self.asked: list[str] = []
        self._port, self._status = port, status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve)

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        socket.socket.shutdown(self._listener, socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # the test is over
                return
            with client:
                self._tunnel(client)

    def _tunnel(self, client: socket.socket) -> None:
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            received = client.recv(4096)
            if not received:
                return
            asked += received
        self.asked.append(asked.decode())
        client.sendall(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
        if not self._status.startswith("200"):
            return
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            back = Thread(target=_pump, args=(server, client))
            back.start()
            _pump(client, server)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # one side is gone, and so is the tunnel
        return
