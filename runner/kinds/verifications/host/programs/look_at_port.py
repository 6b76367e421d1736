"""Connects to a TCP port, and prints how that ends: open, closed (refused) or filtered (nobody answers)."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any


def state(family: int, address: Any, limit: float) -> str:
    """How it ends for one address; OSError where it is none of the three."""
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(limit)
        try:
            connection.connect(address)
        except ConnectionRefusedError:
            return "closed"
        except (socket.timeout, TimeoutError):
            return "filtered"
        # A connection within one machine can meet itself where nobody listens.
        return "closed" if connection.getsockname() == connection.getpeername() else "open"


def look(host: str, port: int, limit: float) -> dict[str, str]:
    """How it ends for a host; the best of what its addresses say."""
    if not host:
        raise ValueError("the address is empty")
    if not 0 < port < 2**16:
        raise ValueError("a port is a number from 1 to 65535")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    states = [state(each[0], each[4], limit / len(found)) for each in found]
    best = next((each for each in ("open", "filtered") if each in states), "closed")
    return {"state": best, "address": str(found[states.index(best)][4][0])}


if __name__ == "__main__":
    address, number = os.environ["LOOK_ADDRESS"], os.environ["LOOK_PORT"]
    try:
        print(json.dumps(look(address, int(number), float(os.environ["LOOK_LIMIT"]))))
    except (OSError, ValueError) as error:
        sys.exit(f"cannot tell whether {address}:{number} is open: {getattr(error, 'strerror', None) or error}")
