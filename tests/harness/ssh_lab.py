"""Hosts of a test behind real sshd on loopback, as the preflight is told of them."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.executor.ansible import processes, workspace
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.ssh.ssh_preflight import preflight
from runner.lab.hosts import SshHosts

_WORDS = {
    "ansible_host": "address",
    "ansible_port": "port",
    "ansible_user": "user",
    "ansible_ssh_private_key_file": "private_key_file",
    "ansible_ssh_common_args": "ssh_common_args",
}


@dataclass(frozen=True)
class Lab:
    """The hosts that are up; `look` is what the preflight finds of one of them, with some of its variables changed.

    With `shares` it opens connections for an Ansible that comes afterwards, a new one for each look.
    """

    up: SshHosts
    environ: dict
    shares: bool = False

    def facts(self, name="one", **changes):
        told = {_WORDS[key]: value for key, value in self.up.hosts[name].variables().items() if key in _WORDS}
        return ConnectionFacts.read(name, {"socket": name, **told, **changes})

    def look(self, name="one", *, become=(), environ=None, **changes):
        given = {**self.environ, **(environ or {})}
        (found,) = self.preflight([self.facts(name, **changes)], become={name: become}, environ=given)
        return found

    def preflight(self, facts, **words):
        if not self.shares:
            return preflight(facts, **words)
        with connections() as sockets:
            return preflight(facts, sockets=sockets, **words)

    def options(self, *more, name="one"):
        """The ssh options of a host, with these before them, as ssh takes the first."""
        return " ".join([*(f"-o {option}" for option in more), *self.up.hosts[name].ssh_options()])


@contextmanager
def connections():
    """The directory for the sockets of connections, which are ended after the block."""
    directory = Path(tempfile.mkdtemp(prefix="s-", dir="/tmp"))
    try:
        yield directory
    finally:
        processes.end(lambda: processes.naming(str(directory)), grace=0)
        shutil.rmtree(directory)


def replace_host_key(up, name):
    """Give the host a key that nobody knows, as if another machine had taken its place: clients must refuse it."""
    directory = up.hosts[name].directory
    key, started = directory / "host_key", directory / "sshd.pid"
    key.unlink()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    pid = int(started.read_text(encoding="ascii"))
    started.unlink()  # sshd starts again at SIGHUP, and writes it when it listens
    os.kill(pid, signal.SIGHUP)
    up.servers[name].wait_until(lambda: started.exists() and started.read_text(encoding="ascii").endswith("\n"))


def script(path, text):
    """A program of the test's own."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def environ():
    """What a child sees of this machine, without the keys of whoever runs the tests."""
    return {**workspace.environment({**os.environ}, python="/usr/bin/python3"), "SSH_AUTH_SOCK": ""}
