"""What OpenSSH would do to reach a host, asked of OpenSSH itself: with its files, and with Ansible's options."""

import os
import pwd
import re
import shlex
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from runner.core.deferred import dataclass
from runner.executor.host_check import NotCheckedError
from runner.executor.inventory.connection_facts import ConnectionFacts

# Ansible's own defaults: https://docs.ansible.com/ansible-core/2.19/collections/ansible/builtin/ssh_connection.html
_ARGS = "-C -o ControlMaster=auto -o ControlPersist=60s"
_WITHOUT_PASSWORD = (
    "KbdInteractiveAuthentication=no",
    "PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey",
    "PasswordAuthentication=no",
)
_TIMEOUT = 5.0
"""Seconds for OpenSSH to read its files; a `Match exec` or a name server may hang."""


@dataclass(frozen=True, slots=True)
class Settings:
    """OpenSSH's settings for one host; `options` has each of its words in lower case, with every value it was given."""

    facts: ConnectionFacts
    options: Mapping[str, tuple[str, ...]]

    def first(self, name: str, default: str = "") -> str:
        """The value of an option that has one."""
        return self.options.get(name, (default,))[0]

    def says(self, name: str, *, default: bool = False) -> bool:
        """Whether an option is on."""
        return self.first(name, "yes" if default else "no") in {"yes", "true"}

    @property
    def address(self) -> str:
        """The name or the address that is connected to."""
        return self.first("hostname", self.facts.address or self.facts.host)

    @property
    def port(self) -> int:
        """The port that is connected to."""
        return int(self.first("port", "22"))

    @property
    def user(self) -> str:
        """Who logs in."""
        return self.first("user")

    @property
    def where(self) -> str:
        """The place in words."""
        return f"{self.address}:{self.port}"

    @property
    def timeout(self) -> float:
        """Seconds to wait for the host."""
        seconds = self.first("connecttimeout")
        return float(seconds) if seconds.isdecimal() else float(self.facts.timeout)

    @property
    def proxy(self) -> Sequence[str] | str | None:
        """The command whose input and output is the connection, a shell's where it is a text; None to go directly."""
        jumps, command = self.first("proxyjump", "none"), self.first("proxycommand", "none")
        if jumps != "none":
            # As OpenSSH itself does it: the last jump is asked to connect, through those before it.
            *before, last = jumps.split(",")
            through = ["-J", ",".join(before)] if before else []
            where = f"[{self.address}]:{self.port}"
            options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={int(self.timeout)}"]
            return ["ssh", *own_file(self.facts), *options, *through, "-W", where, "--", _as_uri(last)]
        return None if command == "none" else self.expand(command)

    def expand(self, text: str) -> str:
        """`text` with OpenSSH's tokens (https://man.openbsd.org/ssh_config#TOKENS) filled in.

        Raises:
            NotCheckedError: it has one that is not known here.
        """
        tokens = {
            "%": "%",
            "h": self.address,
            "n": self.facts.address or self.facts.host,
            "p": str(self.port),
            "r": self.user,
            "u": pwd.getpwuid(os.getuid()).pw_name,
            "d": str(Path.home()),
            "i": str(os.getuid()),
            "l": socket.gethostname(),
        }

        def fill(match: re.Match[str]) -> str:
            if match[1] not in tokens:
                raise NotCheckedError(f"ssh would fill in %{match[1]} of {text!r}")
            return tokens[match[1]]

        return re.sub(r"%(.)", fill, text)


def own_file(facts: ConnectionFacts) -> list[str]:
    """The configuration file that Ansible names to ssh, which ssh names to its jumps."""
    words = arguments(facts)
    return words[words.index("-F") :][:2] if "-F" in words else []


def _as_uri(jump: str) -> str:
    """A jump as `ssh` takes it for a destination: a port goes with the scheme only."""
    return jump if "://" in jump else f"ssh://{jump}"


def settings_of(facts: ConnectionFacts, environ: Mapping[str, str]) -> Settings:
    """What OpenSSH would do for Ansible to reach the host.

    Raises:
        NotCheckedError: it cannot be asked, or it does not understand its files.
    """
    try:
        argv = [program(facts), "-G", *arguments(facts), "--", facts.address or facts.host]
        answer = subprocess.run(
            argv, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise NotCheckedError(f"ssh cannot be asked for its settings: {error}") from None
    if answer.returncode:
        message = answer.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise NotCheckedError(f"ssh does not understand its settings: {''.join(message)}")
    options: dict[str, list[str]] = {}
    for line in answer.stdout.decode(errors="replace").splitlines():
        name, _, value = line.partition(" ")
        options.setdefault(name.lower(), []).append(value)
    return Settings(facts, {name: tuple(values) for name, values in options.items()})


def program(facts: ConnectionFacts) -> str:
    """The program that Ansible starts.

    Raises:
        NotCheckedError: it is not OpenSSH's own.
    """
    name = facts.ssh_executable or "ssh"
    if Path(name).name != "ssh":
        raise NotCheckedError(f"ansible_ssh_executable is {name}")
    return name


def arguments(facts: ConnectionFacts) -> list[str]:
    """The arguments that Ansible gives to ssh, in its order: the first value of an option is the one that counts."""
    options = [] if facts.host_key_checking else ["StrictHostKeyChecking=no"]
    options += [f"Port={facts.port}"] if facts.port else []
    options += [f'IdentityFile="{Path(facts.private_key_file).expanduser()}"'] if facts.private_key_file else []
    options += [] if facts.password else _WITHOUT_PASSWORD
    options += [f'User="{facts.user}"'] if facts.user else []
    options += [f"ConnectTimeout={facts.timeout}"]
    arguments = shlex.split(facts.ssh_args if facts.ssh_args is not None else _ARGS)
    arguments += [word for option in options for word in ("-o", option)]
    return [*arguments, *shlex.split(facts.ssh_common_args or ""), *shlex.split(facts.ssh_extra_args or "")]
