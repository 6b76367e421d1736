"""A small load balancer: what nginx is to the demo, told by the same lines in files and by the same signal.

`python -m runner.lab.programs.balancer --listen ADDRESS --port PORT --servers DIR --pid FILE`: each file DIR/*.conf
says `server HOST:PORT;` or `server HOST:PORT down;`, as below nginx's `upstream`. SIGHUP has them read anew, and what
is connected by then stays connected. https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SERVER = re.compile(r"server (?P<host>[\w.-]+):(?P<port>[0-9]{1,5})(?P<down> down)?;\n?", re.ASCII)
_PATIENCE = 2.0  # seconds for a server to take a connection
_CHUNK = 65536

Server = tuple[str, int]
"""Where one answers: its address and its port."""


def servers_in(directory: Path) -> list[Server]:
    """The servers that are in by the files of `directory`.

    Raises:
        ValueError: a file says something else.
    """
    found = []
    for path in sorted(directory.glob("*.conf")):
        match = _SERVER.fullmatch(path.read_text(encoding="ascii"))
        if match is None:
            raise ValueError(f"{path} is not one line like `server 10.0.0.1:8000;`")
        if not match["down"]:
            found.append((match["host"], int(match["port"])))
    return found


_NOBODY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Balancer:
    """Gives each connection to the next of its servers; to the one after it, where one does not take it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._servers = servers_in(directory)
        self._count = 0

    def read_again(self) -> None:
        """From now on it has the servers that the files name by now; where one cannot be read, those from before."""
        try:
            self._servers = servers_in(self._directory)
        except (OSError, ValueError) as error:
            sys.stderr.write(f"{error}\n")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what a client says and what it is answered; without a server it is told that there is none."""
        for host, port in self._next():
            with suppress(OSError, TimeoutError):
                answers, questions = await asyncio.wait_for(asyncio.open_connection(host, port), _PATIENCE)
                asking = asyncio.create_task(_pass_on(reader, questions))
                await _pass_on(answers, writer)
                asking.cancel()
                questions.close()
                break
        else:
            writer.write(_NOBODY)
        writer.close()

    def _next(self) -> Iterator[Server]:
        self._count += 1
        first = self._count % len(self._servers) if self._servers else 0
        yield from [*self._servers[first:], *self._servers[:first]]


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


async def balance(listen: str, port: int, directory: Path, pid: Path) -> None:
    """Serve until killed; `pid` is written once it listens and takes signals."""
    balancer = Balancer(directory)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, balancer.read_again)
    server = await asyncio.start_server(balancer.serve, listen, port)
    _tell(pid)
    await server.serve_forever()


def _tell(pid: Path) -> None:
    pid.write_text(f"{os.getpid()}\n", encoding="ascii")


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--servers", required=True, type=Path)
    parser.add_argument("--pid", required=True, type=Path)
    arguments = parser.parse_args()
    asyncio.run(balance(arguments.listen, arguments.port, arguments.servers, arguments.pid))


if __name__ == "__main__":
    main()
