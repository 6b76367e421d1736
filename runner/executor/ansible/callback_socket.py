"""The unix socket on which our callback plugin reports what happens, and waits until it is recorded."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, Self

from runner.core.errors import ExecutionError
from runner.executor.job import Message, Together

Handler = Callable[[Message], Message | Literal[False] | None]
"""Takes a message; what it gives back is told to the plugin, and False ends Ansible."""
_CHUNK = 1 << 20


class CallbackSocket:
    """Serves one connection; each message is answered `yes` only after `handle` returned, with what it gave back.

    Of several that have come by then none is answered before all are handled, and the block `together` has ended.
    When one of these raises, the plugin is refused and ends Ansible, and the exception is kept in `failure`.
    `connected` is set once the plugin is there, which is when Ansible has read the inventory.

    A message may be as long as it has to be: the first one has the commands of every host. What hosts answer is bounded
    by the plugin.
    """

    def __init__(self, path: Path, handle: Handler, *, together: Together = nullcontext) -> None:
        self._handle, self._together = handle, together
        self.failure: BaseException | None = None
        self.connected = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, daemon=True, name="callback-socket")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # shutdown, not close: only that wakes a thread that waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        self.connected.set()
        # Nobody else may connect: the first to connect is the plugin, before any task has run.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with connection:
            if _user_of(connection) == os.geteuid():
                with contextlib.suppress(OSError):
                    self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        for lines in _lines_that_come(connection):
            answers: list[Message | Literal[False] | None] = []
            try:
                # One that comes alone needs nothing around it; over the first one all is decided that lets a run begin.
                with self._together() if len(lines) > 1 else nullcontext():
                    for line in lines:
                        answers.append(self._handle(_message(line)))
                        if answers[-1] is False:
                            break
            except BaseException as error:  # noqa: BLE001 - whatever it is, Ansible must not go on
                self.failure = error
                answers = [False]
            connection.sendall(b"".join(map(_in_words, answers)))
            if answers[-1] is False:
                return


def _lines_that_come(connection: socket.socket) -> Iterator[list[bytes]]:
    """The lines that have come, each time that some have; at the end what is none, if there is more."""
    begun: list[bytes] = []
    while chunk := connection.recv(_CHUNK):
        first, *rest = chunk.split(b"\n")
        begun.append(first)
        if rest:
            yield [line + b"\n" for line in (b"".join(begun), *rest[:-1])]
            begun = rest[-1:]
    if cut_off := b"".join(begun):
        yield [cut_off]


def _in_words(answer: Message | Literal[False] | None) -> bytes:
    """The line that the plugin is answered."""
    if answer is False:
        return b"no\n"
    return b"yes" + (b" " + json.dumps(answer).encode() if answer else b"") + b"\n"


def _message(line: bytes) -> Message:
    """The message in `line`.

    Raises:
        ExecutionError: it is not a whole line, or not a JSON mapping with a `kind`.
    """
    try:
        message = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
        raise ExecutionError(
            "the callback plugin sent what is not a message",
            hint="Ansible was killed as it reported, or another version of runbookctl runs",
        )
    return message


def _user_of(connection: socket.socket) -> int:
    """The user at the other end, as the kernel knows it (SO_PEERCRED in unix(7))."""
    size = struct.calcsize("3i")
    return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])
