"""Whether each host can be reached, is who it was, lets us in and lets us become: found out before anything is done."""

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field
from functools import partial
from queue import Empty, SimpleQueue

from paramiko import Transport
from paramiko.ssh_exception import SSHException

from runner.core.deferred import dataclass
from runner.executor.host_check import HostCheck, NotCheckedError, UnfitError, last_lines
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.python_interpreter import try_users
from runner.executor.ssh import host_keys, login
from runner.executor.ssh.ssh_connection import connected, greet
from runner.executor.ssh.ssh_settings import Settings, settings_of

WORKERS = 64
"""Hosts that are looked at at the same time."""

LIMIT = 60.0
"""Seconds for all of them; what is not known by then is left to Ansible."""

_POLL = 0.05
_MARK = "runbook-preflight-ok"
_MOST = 65536


def preflight(
    hosts: Iterable[ConnectionFacts],
    *,
    become: Mapping[str, Collection[str]],
    environ: Mapping[str, str],
    cancelled: Callable[[], bool] = lambda: False,
    limit: float = LIMIT,
) -> list[HostCheck]:
    """What there is to know of each of `hosts`, in their order; `become` has whom the runbook becomes on each.

    A host that is not in it is one on which no machine does anything, so that no Python is needed there.

    All are looked at at the same time, each for as long as its settings say; nothing is asked of a person, and nothing
    changed on a host. After `limit` seconds, or when it is `cancelled`, the rest is not checked.
    """
    every = list(hosts)
    waiting: SimpleQueue[ConnectionFacts] = SimpleQueue()
    checks: SimpleQueue[HostCheck] = SimpleQueue()
    for facts in every:
        waiting.put(facts)

    def work() -> None:
        with contextlib.suppress(Empty):
            while True:
                facts = waiting.get_nowait()
                checks.put(check(facts, become=become.get(facts.host), environ=environ))

    for _ in range(min(len(every), WORKERS)):
        # A thread that hangs in a name server must not keep the command from ending.
        threading.Thread(target=work, daemon=True, name="preflight").start()
    by_host = {each.host: each for each in _collect(checks, len(every), cancelled, time.monotonic() + limit)}
    late = "cancelled" if cancelled() else f"no answer within {limit:g} s"
    return [by_host.get(facts.host, HostCheck(facts.host, left=late)) for facts in every]


def _collect(
    checks: SimpleQueue[HostCheck], number: int, cancelled: Callable[[], bool], until: float
) -> Iterator[HostCheck]:
    while number and not cancelled() and time.monotonic() < until:
        with contextlib.suppress(Empty):
            yield checks.get(timeout=_POLL)
            number -= 1


def check(facts: ConnectionFacts, *, become: Collection[str] | None, environ: Mapping[str, str]) -> HostCheck:
    """What there is to know of one host that is reached over a network."""
    look = _Look(facts, become, environ)
    try:
        look.go()
    except NotCheckedError as error:
        return HostCheck(facts.host, tuple(look.passed), left=str(error))
    except UnfitError as error:
        problem = f"{facts.host} ({look.where}): {error.message}"
        return HostCheck(facts.host, tuple(look.passed), problem=problem, hint=error.hint)
    except (SSHException, OSError, EOFError) as error:
        # Whatever is not understood here is Ansible's to judge: a preflight refuses only what it is sure of.
        return HostCheck(facts.host, tuple(look.passed), left=f"{type(error).__name__}: {error}")
    return HostCheck(facts.host, tuple(look.passed))


@dataclass
class _Look:
    """One look at one host, step by step; `passed` is how far it came."""

    facts: ConnectionFacts
    become: Collection[str] | None
    environ: Mapping[str, str]
    passed: list[str] = field(default_factory=list)
    where: str = ""

    def go(self) -> None:
        self.where = self.facts.address or self.facts.host
        if not self.facts.over_ssh:
            raise NotCheckedError(f"it is reached by {self.facts.connection}")
        if self.facts.strange:
            raise NotCheckedError(f"what is set cannot be read here: {', '.join(self.facts.strange)}")
        settings = settings_of(self.facts, self.environ)
        self.where = settings.where
        if settings.first("bindaddress") or settings.first("bindinterface"):
            raise NotCheckedError("ssh would bind the connection to an address of this machine")
        known_hosts = host_keys.known_hosts_of(settings, self.environ)
        with (
            connected(settings, self.environ) as connection,
            contextlib.closing(Transport(connection)) as transport,
        ):
            greet(transport, settings, [each.kind for each in known_hosts])
            self.passed.append("reachable")
            key = transport.get_remote_server_key()
            host_keys.judge(settings, known_hosts, key.get_name(), key.get_base64())
            self.passed.append("host key")
            login.log_in(transport, settings, self.environ)
            self.passed.append("login")
            self._try_shell(transport, settings)

    def _try_shell(self, transport: Transport, settings: Settings) -> None:
        if self.facts.shell_type not in {None, "sh", "bash"}:
            raise NotCheckedError(f"its shell is {self.facts.shell_type}")
        output = _run_command(transport, f"/bin/sh -c {shlex.quote(f'echo {_MARK}')}", settings.timeout)
        if _MARK not in output:
            raise UnfitError(
                f"{settings.user} logs in, but no command runs there: {last_lines(output)}",
                hint="Ansible needs an account with a shell; look at it with ssh, and at /etc/passwd there",
            )
        self.passed.append("shell")
        if self.become is not None:
            run_command = partial(_run_command, transport, timeout=settings.timeout)
            self.passed.extend(try_users(self.facts, run_command, settings.user, self.become))


def _run_command(transport: Transport, command: str, timeout: float) -> str:
    """What `command` prints, both its outputs; the host has `timeout` seconds for it."""
    with contextlib.closing(transport.open_session(timeout=timeout)) as channel:
        channel.settimeout(timeout)
        channel.set_combine_stderr(True)
        channel.exec_command(command)
        channel.shutdown_write()
        output, until = b"", time.monotonic() + timeout
        try:
            while (chunk := channel.recv(4096)) and len(output) < _MOST and time.monotonic() < until:
                output += chunk
        except TimeoutError:
            output += f"\nno answer within {timeout:g} s".encode()
    return output.decode(errors="replace")
