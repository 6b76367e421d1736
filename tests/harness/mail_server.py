"""A mail server on loopback that misbehaves on purpose, in the order a test writes down; it speaks just enough SMTP."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from email import message_from_bytes, policy
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Any, Self


class MailServer:
    """Treats the first connection as the first of `modes` says, and so on; the last mode stays.

    A mode is `ok`, `slow` (never greets), `drip` (a greeting byte by byte), `rst` (hangs up), `accept_then_rst` (takes
    the message, loses the answer), `garbage` (not SMTP), `plain` (offers no STARTTLS), or a verb and the reply to it:
    `("DATA", "451 later")`; the verb `.` is the end of the message, and an empty one the greeting.
    """

    def __init__(self, *modes: Any, tls: Any = None) -> None:
        self.modes = modes or ("ok",)
        self.letters: list[Any] = []
        self.connections = 0
        self.tls = tls
        self.stopping = Event()
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), lambda *arguments: _Conversation(self, *arguments))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def next_mode(self) -> Any:
        with self._lock:
            self.connections += 1
            return self.modes[min(self.connections, len(self.modes)) - 1]

    @property
    def incidents(self) -> int:
        """How many different messages a mailbox shows."""
        return len({letter["Message-ID"] for letter in self.letters})


class _Server(ThreadingTCPServer):
    daemon_threads = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


class _Conversation(StreamRequestHandler):
    def __init__(self, mail: MailServer, *arguments: Any) -> None:
        self.mail = mail
        super().__init__(*arguments)

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def handle(self) -> None:
        self.mode = self.mail.next_mode()
        early = {"slow": self._wait, "drip": self._drip, "rst": self._reset, "garbage": self._garbage}
        if self.mode in early:
            return early[self.mode]()
        with suppress(OSError):
            self._greet()
        return None

    def _wait(self) -> None:
        self.mail.stopping.wait(3600)

    def _drip(self) -> None:
        with suppress(OSError):
            while not self.mail.stopping.wait(0.05):
                self.wfile.write(b"2")

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _garbage(self) -> None:
        self._say("HTTP/1.1 400 Bad Request", "")

    def _greet(self) -> None:
        if isinstance(self.mode, tuple) and not self.mode[0]:
            return self._say(self.mode[1])
        self._say("220 mail.test ESMTP")
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            if isinstance(self.mode, tuple) and self.mode[0] == verb:
                self._say(self.mode[1])
            elif verb == "QUIT":
                return self._say("221 bye")
            elif not getattr(self, f"_{verb.lower()}")():
                return None
        return None

    def _ehlo(self) -> bool:
        starttls = ["250-STARTTLS"] if self.mail.tls and self.mode != "plain" else []
        self._say("250-mail.test", *starttls, "250 AUTH PLAIN")
        return True

    def _starttls(self) -> bool:
        self._say("220 go ahead")
        self.connection = self.mail.tls.wrap_socket(self.connection, server_side=True)
        self.request = self.connection
        self.setup()
        return True

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.connection.close()

    def _auth(self) -> bool:
        self._say("235 welcome")
        return True

    def _mail(self) -> bool:
        self._say("250 ok")
        return True

    def _rset(self) -> bool:
        return self._mail()

    def _rcpt(self) -> bool:
        return self._mail()

    def _data(self) -> bool:
        self._say("354 go on")
        lines = iter(self.rfile.readline, b".\r\n")
        data = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
        if isinstance(self.mode, tuple) and self.mode[0] == ".":
            self._say(self.mode[1])
            return True
        self.mail.letters.append(message_from_bytes(data, policy=policy.default))
        if self.mode == "accept_then_rst":
            self._reset()
            return False
        self._say("250 taken")
        return True
