"""Hosts to work on over SSH: a real sshd each, on its own loopback address, with a key and a home of its own."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass
from runner.lab.interrupts import held
from runner.lab.lab_processes import LabCommand, Running, free_port, running
from runner.lab.sshd import Account, Programs, privilege_separation

MARKER = "RUNBOOK_DEMO_HOST"

# StrictModes would refuse the temporary directory. Without terminals no login goes into the machine's wtmp.
_CONFIGURATION = """\
ListenAddress {address}:{port}
HostKey "{directory}/host_key"
PidFile "{directory}/sshd.pid"
AuthorizedKeysFile "{client_key}.pub"
AuthenticationMethods publickey
AllowUsers {user}
PermitRootLogin prohibit-password
PermitTTY {terminals}
StrictModes no
UsePAM {pam}
UseDNS no
PrintMotd no
PrintLastLog no
SetEnv "HOME={home}" "TMPDIR={home}" "{marker}={name}"
ForceCommand "{directory}/session"
Subsystem sftp {sftp_server}
"""
# Whatever a session does with a relative path stays at home.
_SESSION = """\
#!/bin/sh
PATH="${0%/*}/bin:$PATH"
cd "$HOME" && exec /bin/sh ${SSH_ORIGINAL_COMMAND:+-c "$SSH_ORIGINAL_COMMAND"}
"""


@dataclass(frozen=True, slots=True)
class Host:
    """One host: its address and port, the account to log in to, and where its files and the client's lie."""

    name: str
    address: str
    port: int
    user: str
    directory: Path
    client_key: Path
    known_hosts: Path

    @property
    def home(self) -> Path:
        """The host's home directory: where sessions start, and what `~` and HOME mean to a shell there."""
        return self.directory / "home"

    @property
    def programs(self) -> Path:
        """Where a session finds programs before all others."""
        return self.directory / "bin"

    def ssh_options(self) -> list[str]:
        """The options with which `ssh` accepts exactly this host's key, and offers exactly the client's."""
        only = ("StrictHostKeyChecking=yes", "IdentitiesOnly=yes", "GlobalKnownHostsFile=/dev/null")
        return [word for option in (f"UserKnownHostsFile={self.known_hosts}", *only) for word in ("-o", option)]

    def variables(self) -> dict[str, Any]:
        """The Ansible host variables that lead here, host-key checking on."""
        return {
            "ansible_connection": "ssh",
            "ansible_host": self.address,
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": str(self.client_key),
            "ansible_host_key_checking": True,
            "ansible_ssh_common_args": " ".join(self.ssh_options()),
            "ansible_ssh_use_tty": False,
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(self.home / ".ansible/tmp"),
        }


@dataclass(frozen=True, slots=True)
class SshHosts:
    """The hosts that are up, and the server of each, by name."""

    hosts: Mapping[str, Host]
    servers: Mapping[str, Running]


@contextmanager
def ssh_hosts(directory: Path, names: Mapping[str, str], *, terminals: bool = False) -> Iterator[SshHosts]:
    """A host for each of `names` (name to loopback address), all its files under `directory`, until the block ends.

    `terminals` lets whoever asks for a terminal have one.

    Raises:
        InvalidInputError: OpenSSH is not installed, or nobody can log in to this account.
        ExecutionError: an sshd did not start.
    """
    with held(lambda stack: _start(stack, directory, names, terminals=terminals)) as hosts:
        yield hosts


def _start(stack: ExitStack, directory: Path, names: Mapping[str, str], *, terminals: bool) -> SshHosts:
    programs, account = Programs.find(), Account.own()
    directory.mkdir(mode=0o700)
    client_key, known_hosts = directory / "client_key", directory / "known_hosts"
    _make_key(programs, client_key)
    hosts = {
        name: Host(name, address, free_port(address), account.name, directory / name, client_key, known_hosts)
        for name, address in names.items()
    }
    for host in hosts.values():
        _furnish(host, programs, account, terminals="yes" if terminals else "no")
    known_hosts.write_text("".join(map(_known, hosts.values())), encoding="ascii")
    stack.enter_context(privilege_separation())
    servers = {name: stack.enter_context(running(_sshd(host, programs))) for name, host in hosts.items()}
    for name, host in hosts.items():
        servers[name].wait_until(partial(_is_ready, host))
    return SshHosts(hosts, servers)


def _furnish(host: Host, programs: Programs, account: Account, *, terminals: str) -> None:
    host.home.mkdir(mode=0o700, parents=True)
    _make_key(programs, host.directory / "host_key")
    session = host.directory / "session"
    session.write_text(_SESSION, encoding="ascii")
    session.chmod(0o700)
    configuration = _CONFIGURATION.format(
        address=host.address,
        port=host.port,
        directory=host.directory,
        client_key=host.client_key,
        user=host.user,
        terminals=terminals,
        home=host.home,
        marker=MARKER,
        name=host.name,
        sftp_server=programs.sftp_server,
        pam="yes" if account.locked else "no",
    )
    (host.directory / "sshd_config").write_text(configuration, encoding="utf-8")


def _sshd(host: Host, programs: Programs) -> LabCommand:
    argv: list[str | Path] = [programs.sshd, "-D", "-e", "-f", host.directory / "sshd_config"]
    return LabCommand(f"sshd of {host.name}", argv, host.directory / "sshd.log")


def _is_ready(host: Host) -> bool:
    """Whether the host listens: then its sshd writes its pid."""
    started = host.directory / "sshd.pid"
    return started.exists() and started.read_text(encoding="ascii").endswith("\n")


def _known(host: Host) -> str:
    kind, key, *_ = (host.directory / "host_key.pub").read_text(encoding="ascii").split()
    return f"[{host.address}]:{host.port} {kind} {key}\n"


def _make_key(programs: Programs, path: Path) -> None:
    subprocess.run([programs.keygen, "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path], check=True)
