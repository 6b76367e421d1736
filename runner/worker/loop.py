"""The loop of what works for long: it looks, says what it found, and sleeps; nothing ends it but its caller."""

import socket
from collections.abc import Callable, Mapping
from typing import TypeVar

from runner.core.errors import explain

Looked = TypeVar("Looked")
Notify = Callable[[str], None]
"""Tells whoever started the process how it is, in a line of sd_notify(3)."""


def loop(
    look: Callable[[], Looked],
    handle: Callable[[Looked], None],
    complain: Callable[[str], None],
    pause: Callable[[], float],
    stopped: Callable[[float], bool],
    notify: Notify = lambda _line: None,
) -> None:
    """Look again and again until `stopped`, which waits for the seconds of `pause` and says whether that was asked for.

    A look that fails is told to `complain`, once for each new message, and the next one is made all the same.
    """
    notify("READY=1")
    complaint = ""
    while True:
        try:
            handle(look())
            complaint = ""
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look is made
            message = explain(error).message
            if message != complaint:
                complain(message)
            complaint = message
        notify("WATCHDOG=1")
        if stopped(pause()):
            break
    notify("STOPPING=1")


def systemd_notify(environ: Mapping[str, str]) -> Notify:
    """Tells systemd, where that has started this process as a unit of `Type=notify`; nobody else.

    The protocol is that of sd_notify(3): a datagram to the Unix socket in `NOTIFY_SOCKET`, where `@` begins an abstract
    name.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return lambda _line: None

    def notify(line: str) -> None:
        where = "\0" + address[1:] if address.startswith("@") else address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            try:
                channel.sendto(line.encode(), where)
            except OSError:  # systemd is restarted just now: the next line reaches it
                return

    return notify
