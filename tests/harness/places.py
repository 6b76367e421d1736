"""Where a run works, this machine or a real sshd, and everything there that is of it: processes, directories, records."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from harness.bench import Bench, wait_until
from runner.core.errors import InvalidInputError
from runner.executor.ansible import processes
from runner.lab.hosts import ssh_hosts

WAYS = ("local", "tty", "pipelined")
"""How Ansible reaches a host. With a terminal, a host learns that it is hung up; with pipelining, no file is sent."""

_SSH = {
    "tty": {"ansible_ssh_use_tty": True, "ansible_pipelining": False},
    "pipelined": {"ansible_ssh_use_tty": False, "ansible_pipelining": True},
}


@contextlib.contextmanager
def sshd_hosts(directory, names):
    """Hosts of real sshd that give terminals; without sshd the test is skipped, and says so."""
    with contextlib.ExitStack() as stack:
        try:
            up = stack.enter_context(ssh_hosts(directory, names, terminals=True))
        except InvalidInputError as error:
            pytest.skip(f"no SSH hosts here: {error.message}")
        yield up


def reach(bench, up, way):
    """Let the bench work on these hosts in that way."""
    hosts = {name: {**host.variables(), "runbook_environment": "lab", **_SSH[way]} for name, host in up.hosts.items()}
    bench.inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts}}))


@dataclass
class Place:
    """A bench, the way in which it reaches its hosts, and the sshd that are there."""

    bench: Bench
    way: str
    servers: tuple = ()

    @property
    def log(self):
        return self.bench.directory / "log"

    @property
    def done(self):
        """What was done on the hosts, in order: each step leaves a line."""
        return self.log.read_text().split() if self.log.exists() else []

    def records(self):
        """What is recorded, be it nothing."""
        return self.bench.records() if (self.bench.state / "audit" / "audit.jsonl").exists() else []

    def processes(self):
        """Every process that names the bench's directory or a run of its, and every session that an sshd serves."""
        runs = [path.name for path in (self.bench.state / "runs").glob("*")]
        words = [os.fsencode(word) for word in (str(self.bench.directory), *runs, *(f"-{run[-8:]}-" for run in runs))]
        here = {os.getpid(), os.getppid()}
        named = {pid for pid in _all() if any(word in _told(pid) for word in words)}
        served = {pid for server in self.servers for pid in _sessions(server)}
        return {pid: cmdline(pid) for pid in (named | served) - here if processes.is_alive(pid)}

    def directories(self):
        """The private directories of its runs."""
        kept = [path.name[-8:] for path in (self.bench.state / "runs").glob("*")]
        return [path for run in kept for path in Path(tempfile.gettempdir()).glob(f"runbook-{run}-*")]

    def nobody_is_left(self):
        """Wait until every process of the run has ended, here and on the hosts."""
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.processes(), "nobody is left", every=0.1)
        left = self.processes()
        assert not left, "\n".join(map(str, left.items()))

    def nothing_is_left(self):
        """The same, and no private directory is left."""
        self.nobody_is_left()
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.directories(), "the directories are wiped")
        assert self.directories() == []


def _all():
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _told(pid):
    """What a process was started with."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _sessions(keeper):
    """What an sshd does for somebody: all that descends from the listener, which is the keeper's only child."""
    return processes.descendants(keeper.process.pid)[1:]


def cmdline(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


class Tree:
    """The processes of a run that is in the midst of a step."""

    def __init__(self, command):
        self.command = command
        self.all = [command, *processes.descendants(command)]

    def _of(self, word, parent=None):
        return [pid for pid in self.all if word in cmdline(pid) and parent in {None, _parent(pid)}]

    @property
    def supervisor(self):
        return self._of("runner.executor.ansible.supervisor", self.command)[0]

    @property
    def ansible(self):
        """A fork of a fork of the supervisor."""
        return next(pid for pid in self.all if _parent(_parent(pid)) == self.supervisor)

    @property
    def worker(self):
        """A fork of Ansible's, which has the command line of the supervisor as well; the fast engine needs none."""
        return next(iter(self._of("runner.executor.ansible.supervisor", self.ansible)), self.ansible)

    @property
    def transport(self):
        """What the worker does its work with: ssh, or the module itself where it is done on this machine."""
        below = processes.descendants(self.worker)
        return next(pid for pid in below if cmdline(pid).startswith("ssh ") or _program(pid).startswith("python"))


def _program(pid):
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""


def _parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def kill(pid, sign=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)
