"""Whether each host can be reached, is who it was, lets us in and lets us become: found out before anything is done."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Literal

from paramiko import Channel, Transport
from paramiko.ssh_exception import IncompatiblePeer, SSHException

from runner.execution import host_keys, login
from runner.execution.host_keys import HostKeyError
from runner.execution.reach import Reach
from runner.execution.ssh_settings import NotCheckedError, Settings, settings_of

WORKERS = 64
"""Hosts that are looked at at the same time."""

LIMIT = 60.0
"""Seconds for all of them; what is not known by then is left to Ansible."""

_POLL = 0.05
_MARK = "runbook-preflight-ok"
_MOST = 65536
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of one host: `passed` names what was found good, `left` what is left to Ansible, and why.

    `problem` says what is wrong, and where, and `hint` how that is mended; both are empty where nothing is.
    """

    host: str
    passed: tuple[str, ...] = ()
    left: str = ""
    problem: str = ""
    hint: str = ""

    @property
    def outcome(self) -> Literal["passed", "not checked", "unreachable"]:
        """In one word."""
        return "unreachable" if self.problem else "not checked" if self.left else "passed"


class _ProblemError(Exception):
    """Ansible would not get further than this either."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class _NoGreetingError(Exception):
    """Whatever is at the other end has not said that it is an sshd."""


def preflight(
    hosts: Iterable[Reach],
    *,
    become: Mapping[str, Collection[str]],
    environ: Mapping[str, str],
    cancelled: Callable[[], bool] = lambda: False,
    limit: float = LIMIT,
) -> list[Checked]:
    """What there is to know of each of `hosts`, in their order; `become` has whom the runbook becomes on each.

    All are looked at at the same time, each for as long as its settings say; nothing is asked of a person, and nothing
    changed on a host. After `limit` seconds, or when it is `cancelled`, the rest is not checked.
    """
    given = list(hosts)
    waiting: SimpleQueue[Reach] = SimpleQueue()
    found: SimpleQueue[Checked] = SimpleQueue()
    for reach in given:
        waiting.put(reach)

    def work() -> None:
        with contextlib.suppress(Empty):
            while True:
                reach = waiting.get_nowait()
                found.put(check(reach, become=become.get(reach.host, ()), environ=environ))

    for _ in range(min(len(given), WORKERS)):
        # A thread that hangs in a name server must not keep the command from ending.
        threading.Thread(target=work, daemon=True, name="preflight").start()
    known = {each.host: each for each in _collect(found, len(given), cancelled, time.monotonic() + limit)}
    late = "cancelled" if cancelled() else f"no answer within {limit:g} s"
    return [known.get(reach.host, Checked(reach.host, left=late)) for reach in given]


def _collect(
    found: SimpleQueue[Checked], number: int, cancelled: Callable[[], bool], until: float
) -> Iterator[Checked]:
    while number and not cancelled() and time.monotonic() < until:
        with contextlib.suppress(Empty):
            yield found.get(timeout=_POLL)
            number -= 1


def check(reach: Reach, *, become: Collection[str], environ: Mapping[str, str]) -> Checked:
    """What there is to know of one host."""
    if reach.local:
        return Checked(reach.host)
    look = _Look(reach, become, environ)
    try:
        look.go()
    except NotCheckedError as error:
        return Checked(reach.host, tuple(look.passed), left=str(error))
    except (_ProblemError, HostKeyError, login.LoginError) as error:
        problem = f"{reach.host} ({look.where}): {error.message}"
        return Checked(reach.host, tuple(look.passed), problem=problem, hint=error.hint)
    except (SSHException, OSError, EOFError) as error:
        # Whatever is not understood here is Ansible's to judge: a preflight refuses only what it is sure of.
        return Checked(reach.host, tuple(look.passed), left=f"{type(error).__name__}: {error}")
    return Checked(reach.host, tuple(look.passed))


@dataclass
class _Look:
    """One look at one host, step by step; `passed` is how far it came."""

    reach: Reach
    become: Collection[str]
    environ: Mapping[str, str]
    passed: list[str] = field(default_factory=list)
    where: str = ""

    def go(self) -> None:
        self.where = self.reach.address or self.reach.host
        if not self.reach.over_ssh:
            raise NotCheckedError(f"it is reached by {self.reach.connection}")
        if self.reach.strange:
            raise NotCheckedError(f"what is set can not be read here: {', '.join(self.reach.strange)}")
        settings = settings_of(self.reach, self.environ)
        self.where = settings.where
        if settings.first("bindaddress") or settings.first("bindinterface"):
            raise NotCheckedError("ssh would bind the connection to an address of this machine")
        known = host_keys.known_for(settings, self.environ)
        with (
            _connected(settings, self.environ) as connection,
            contextlib.closing(Transport(connection)) as transport,
        ):
            _greet(transport, settings, [each.kind for each in known])
            self.passed.append("reachable")
            key = transport.get_remote_server_key()
            host_keys.judge(settings, known, key.get_name(), key.get_base64())
            self.passed.append("host key")
            login.log_in(transport, settings, self.environ)
            self.passed.append("login")
            self._try_shell(transport, settings)

    def _try_shell(self, transport: Transport, settings: Settings) -> None:
        if self.reach.shell_type not in {None, "sh", "bash"}:
            raise NotCheckedError(f"its shell is {self.reach.shell_type}")
        said = _say(transport, f"/bin/sh -c {shlex.quote(f'echo {_MARK}')}", settings.patience)
        if _MARK not in said:
            raise _ProblemError(
                f"{settings.user} logs in, but no command runs there: {_last(said)}",
                hint="Ansible needs an account with a shell; look at it with ssh, and at /etc/passwd there",
            )
        self.passed.append("shell")
        for user in sorted(self.become):
            self._try_become(transport, settings, user)

    def _try_become(self, transport: Transport, settings: Settings, user: str) -> None:
        if user == settings.user:
            return  # Ansible does not become who it is
        method = self.reach.become_method.rpartition(".")[2]
        if method != "sudo" or self.reach.become_password:
            how = f"by {method}" if method != "sudo" else "with a password"
            raise NotCheckedError(f"it becomes {user} {how}")
        flags = "-H -S -n" if self.reach.become_flags is None else self.reach.become_flags
        exe = self.reach.become_exe or "sudo"
        said = _say(transport, f"{exe} {flags} -u {user} /bin/sh -c {shlex.quote(f'echo {_MARK}')}", settings.patience)
        if _MARK not in said:
            raise _ProblemError(
                f"{settings.user} can not become {user}: {_last(said)}",
                hint=f"let {settings.user} do so there (sudoers: {settings.user} ALL=({user}) NOPASSWD: ALL), or set "
                "ansible_become_password in a vault",
            )
        self.passed.append(f"become {user}")


@contextlib.contextmanager
def _connected(settings: Settings, environ: Mapping[str, str]) -> Iterator[socket.socket]:
    """A connection to the host, directly or as its settings say."""
    proxy = settings.proxy
    with _through(proxy, settings, environ) if proxy else contextlib.closing(_directly(settings)) as connection:
        yield connection


def _directly(settings: Settings) -> socket.socket:
    try:
        return socket.create_connection((settings.address, settings.port), timeout=settings.patience)
    except socket.gaierror as error:
        raise _ProblemError(
            f"its name is not known: {error.strerror}", hint="look at ansible_host, and at the name server"
        ) from None
    except TimeoutError:
        raise _ProblemError(
            f"no answer within {settings.patience:g} s", hint="is it on, and does a firewall let us through?"
        ) from None
    except OSError as error:
        hint = "is sshd running there, and is it this port?" if isinstance(error, ConnectionRefusedError) else ""
        hint = hint or "look at the network between here and there"
        raise _ProblemError(f"no connection: {error.strerror or error}", hint=hint) from None


@contextlib.contextmanager
def _through(proxy: Sequence[str] | str, settings: Settings, environ: Mapping[str, str]) -> Iterator[socket.socket]:
    """A connection through a program, which is ended with it."""
    ours, theirs = socket.socketpair()
    argv = ["/bin/sh", "-c", f"exec {proxy}"] if isinstance(proxy, str) else list(proxy)
    with ours, theirs:
        try:
            program = subprocess.Popen(
                argv,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                env=dict(environ),
                start_new_session=True,
            )
        except OSError as error:
            raise NotCheckedError(f"{argv[0]} can not be started: {error.strerror}") from None
        theirs.close()
        ours.settimeout(settings.patience)
        try:
            yield ours
        except _NoGreetingError:
            if settings.reach.password:
                raise NotCheckedError("the way to it may want a password") from None
            raise _ProblemError(
                f"no way to it: {_last(_errors(program), lines=2)}",
                hint="look at the ProxyJump or ProxyCommand of this host: ssh -v says where it stops",
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, 15)
            program.wait()


def _errors(program: subprocess.Popen[bytes]) -> str:
    assert program.stderr  # noqa: S101 - it was asked for
    os.set_blocking(program.stderr.fileno(), False)
    return (program.stderr.read(_MOST) or b"").decode(errors="replace")


def _greet(transport: Transport, settings: Settings, kinds: Sequence[str]) -> None:
    """Agree on a language; of the keys that the host has, one of the `kinds` that are known is asked for first."""
    options = transport.get_security_options()
    wanted = [name for kind in kinds for name in _signed_by(kind) if name in options.key_types]
    options.key_types = tuple(dict.fromkeys([*wanted, *options.key_types]))
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = settings.patience
    try:
        transport.start_client(timeout=settings.patience)
    except IncompatiblePeer as error:
        raise NotCheckedError(f"it speaks what is not understood here: {error}") from None
    except SSHException as error:
        if settings.proxy:
            raise _NoGreetingError from None
        raise _ProblemError(
            f"it takes connections, but does not answer as sshd would ({error})",
            hint="is it this port? sshd that is overloaded (MaxStartups) or blocked by tcp wrappers hangs up so, too",
        ) from None


def _signed_by(kind: str) -> tuple[str, ...]:
    return ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa") if kind == "ssh-rsa" else (kind,)


def _say(transport: Transport, command: str, patience: float) -> str:
    """What `command` prints, both its outputs; the host has `patience` seconds for it."""
    with contextlib.closing(_session(transport, patience)) as channel:
        channel.settimeout(patience)
        channel.set_combine_stderr(True)
        channel.exec_command(command)
        channel.shutdown_write()
        said, until = b"", time.monotonic() + patience
        try:
            while (chunk := channel.recv(4096)) and len(said) < _MOST and time.monotonic() < until:
                said += chunk
        except TimeoutError:
            said += f"\nno answer within {patience:g} s".encode()
    return said.decode(errors="replace")


def _session(transport: Transport, patience: float) -> Channel:
    return transport.open_session(timeout=patience)


def _last(said: str, *, lines: int = 1) -> str:
    found = [line.strip() for line in said.splitlines() if line.strip()]
    return "; ".join(found[-lines:])[:_SHOWN] or "it says nothing"
