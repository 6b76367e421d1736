"""Hosts of a test behind real sshd on loopback, as the preflight is told of them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from dataclasses import dataclass

from runner.executor.ansible import workspace
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
    """The hosts that are up; `look` is what the preflight finds of one of them, with some of its variables changed."""

    up: SshHosts
    environ: dict

    def facts(self, name="one", **changes):
        told = {_WORDS[key]: value for key, value in self.up.hosts[name].variables().items() if key in _WORDS}
        return ConnectionFacts.read(name, {**told, **changes})

    def look(self, name="one", *, become=(), environ=None, **changes):
        given = {**self.environ, **(environ or {})}
        (found,) = preflight([self.facts(name, **changes)], become={name: become}, environ=given)
        return found

    def options(self, *more, name="one"):
        """The ssh options of a host, with these before them, as ssh takes the first."""
        return " ".join([*(f"-o {option}" for option in more), *self.up.hosts[name].ssh_options()])


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
