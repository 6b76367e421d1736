"""What keeps Ansible from working on a host, found out step by step with paramiko, which says what OpenSSH does not."""

import contextlib
import shlex
import time
from collections.abc import Collection, Mapping
from dataclasses import field
from functools import partial

from paramiko import Transport
from paramiko.ssh_exception import SSHException

from runner.core.deferred import dataclass
from runner.executor.host_check import HostCheck, NotCheckedError, UnfitError, last_lines
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.python_interpreter import try_users
from runner.executor.ssh import host_keys, login
from runner.executor.ssh.shared_connection import MARK, SAY_MARK
from runner.executor.ssh.ssh_connection import connected, greet
from runner.executor.ssh.ssh_settings import Settings, settings_of

_MOST = 65536


def look(facts: ConnectionFacts, *, become: Collection[str] | None, environ: Mapping[str, str]) -> HostCheck:
    """What there is to know of one host that is reached over a network."""
    at = _Look(facts, become, environ)
    try:
        at.go()
    except NotCheckedError as error:
        return HostCheck(facts.host, tuple(at.passed), left=str(error))
    except UnfitError as error:
        problem = f"{facts.host} ({at.where}): {error.message}"
        return HostCheck(facts.host, tuple(at.passed), problem=problem, hint=error.hint)
    except (SSHException, OSError, EOFError) as error:
        # Whatever is not understood here is Ansible's to judge: a preflight refuses only what it is sure of.
        return HostCheck(facts.host, tuple(at.passed), left=f"{type(error).__name__}: {error}")
    return HostCheck(facts.host, tuple(at.passed))


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
        output = _run_command(transport, f"/bin/sh -c {shlex.quote(SAY_MARK)}", settings.timeout)
        if MARK not in output:
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
