"""Whether each host can be reached, is who it was, lets us in and lets us become: found out before anything is done."""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue

from runner.executor.host_check import HostCheck
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.left_out import left_out
from runner.executor.ssh.shared_connection import SharedConnections

WORKERS = 64
"""Hosts that are looked at at the same time."""

LIMIT = 60.0
"""Seconds for all of them; what is not known by then is left to Ansible."""

_POLL = 0.05
_IMPORTING = threading.Lock()


def preflight(
    hosts: Iterable[ConnectionFacts],
    *,
    become: Mapping[str, Collection[str]],
    environ: Mapping[str, str],
    cancelled: Callable[[], bool] = lambda: False,
    limit: float = LIMIT,
    sockets: Path | None = None,
) -> list[HostCheck]:
    """What there is to know of each of `hosts`, in their order; `become` has whom the runbook becomes on each.

    A host that is not in it is one on which no machine does anything, so that no Python is needed there.

    All are looked at at the same time, each for as long as its settings say; nothing is asked of a person, and nothing
    changed on a host. After `limit` seconds, or when it is `cancelled`, the rest is not checked. The connections to
    those that are well stay open in the directory `sockets`, for the Ansible that looks for them there.
    """
    every = list(hosts)
    waiting: SimpleQueue[ConnectionFacts] = SimpleQueue()
    checks: SimpleQueue[HostCheck] = SimpleQueue()
    for facts in every:
        waiting.put(facts)

    def work() -> None:
        with contextlib.suppress(Empty):
            while not shared.is_over:
                facts = waiting.get_nowait()
                users = become.get(facts.host)
                found = shared.check(facts, become=users)
                if not shared.is_over:
                    checks.put(found or _look(facts, become=users, environ=environ))

    with SharedConnections(sockets, environ) as shared:
        for _ in range(min(len(every), WORKERS)):
            # A thread that hangs in a name server must not keep the command from ending.
            threading.Thread(target=work, daemon=True, name="preflight").start()
        found = _collect(checks, len(every), cancelled, time.monotonic() + limit)
        by_host = {each.host: each for each in found}
    late = "cancelled" if cancelled() else f"no answer within {limit:g} s"
    return [by_host.get(facts.host, HostCheck(facts.host, left=late)) for facts in every]


def _look(facts: ConnectionFacts, *, become: Collection[str] | None, environ: Mapping[str, str]) -> HostCheck:
    # Of paramiko's only what reads a configuration file of ssh would use `invoke`.
    with _IMPORTING, left_out("invoke"):
        from runner.executor.ssh.host_look import look  # noqa: PLC0415 - most hosts are well, and need no paramiko

    return look(facts, become=become, environ=environ)


def _collect(
    checks: SimpleQueue[HostCheck], number: int, cancelled: Callable[[], bool], until: float
) -> Iterator[HostCheck]:
    while number and not cancelled() and time.monotonic() < until:
        with contextlib.suppress(Empty):
            yield checks.get(timeout=_POLL)
            number -= 1
