"""A stand-in for `ansible-playbook`: a shell script that the supervisor finds first on its PATH."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import PATIENCE
from harness.ssh_lab import Lab, environ

from runner.core.errors import InvalidInputError
from runner.executor.ansible.ansible_executor import AnsibleExecutor
from runner.executor.ansible.supervision import Limits
from runner.lab.hosts import ssh_hosts

_PYTHON = sys.executable

_SCRIPT = """\
#!/bin/sh
case "$*" in *reap.yml*) printf '%s\\n' "$*" >>{directory}/reaped; cp "${{ANSIBLE_CONFIG%/*}}"/reap.* {directory}; exit 0;; esac
printf '%s\\n' "$@" >{directory}/words
env -0 >{directory}/environment
cp "${{ANSIBLE_CONFIG%/*}}"/limit {directory} 2>/dev/null
cd {directory}
{body}
"""

_SPEAK = """\
import json, os, signal, socket, subprocess, sys, time
peer = socket.socket(socket.AF_UNIX)
peer.connect(os.environ["RUNBOOK_REPORT_SOCKET"])
for line in open("says"):
    message = json.loads(line)
    if message["kind"] == "start":
        noted = json.dumps([message[key] for key in ("host", "host", "task", "attempt") if message.get(key)])
        open(os.path.join(os.path.dirname(os.environ["RUNBOOK_REPORT_SOCKET"]), "begun"), "a").write(f"+{noted}\\n")
    peer.sendall(line.encode())
    answer = peer.recv(1000).decode()
    open("answers", "a").write(answer)
    if not answer.startswith("yes"):
        sys.exit(97)
open("said", "w").write("done\\n")
"""


@dataclass
class FakeAnsible:
    """`does` says in shell what `ansible-playbook` does; what it was told, and what it made, lies in `directory`.

    `says` is for what the callback plugin says, each word when the one before was answered; then it does `then`, which
    is Python. A clean-up of the hosts, which is another invocation, is only written down.
    """

    directory: Path

    def does(self, body):
        script = self.directory / "bin" / "ansible-playbook"
        script.write_text(_SCRIPT.format(directory=self.directory, body=body))
        script.chmod(0o755)

    def says(self, *messages, then="sys.exit(0)"):
        (self.directory / "says").write_text("".join(json.dumps(message) + "\n" for message in messages))
        (self.directory / "speak.py").write_text(f"{_SPEAK}{then}\n")
        self.does(f"exec {_PYTHON} -IS speak.py")

    def executor(self, **limits):
        """One that takes it for the real one: programs beside its Python come first."""
        return AnsibleExecutor(str(self.directory / "bin" / "python"), Limits(**limits))

    @property
    def path(self):
        return f"{self.directory / 'bin'}:{os.environ['PATH']}"

    @property
    def words(self):
        return (self.directory / "words").read_text().splitlines()

    @property
    def environment(self):
        pairs = (self.directory / "environment").read_text().split("\0")
        return dict(pair.split("=", 1) for pair in pairs if pair)

    @property
    def reaped(self):
        path = self.directory / "reaped"
        return path.read_text().splitlines() if path.exists() else []

    def number(self, name):
        """The process id in the file `name`, once it is there."""
        path, deadline = self.directory / name, time.monotonic() + PATIENCE
        while not (path.exists() and path.read_text().endswith("\n")):
            assert time.monotonic() < deadline, f"{name}: never written"
            time.sleep(0.01)
        return int(path.read_text())


@pytest.fixture
def ansible(tmp_path):
    made = FakeAnsible(tmp_path / "ansible")
    (made.directory / "bin").mkdir(parents=True)
    # What is found beside Python comes before PATH: a Python of the fake's own, so that no real Ansible is beside it.
    python = made.directory / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {_PYTHON} "$@"\n')
    python.chmod(0o755)
    made.does("exit 0")
    return made


@pytest.fixture
def temporary(monkeypatch):
    """A short root for workspaces, removed with everything in it."""
    root = tempfile.mkdtemp(prefix="p-", dir="/tmp")
    monkeypatch.setattr(tempfile, "tempdir", root)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def hosts_up(tmp_path_factory):
    """Two hosts behind real sshd, on loopback."""
    with ExitStack() as stack:
        try:
            names = {"one": "127.0.77.71", "two": "127.0.77.72"}
            up = stack.enter_context(ssh_hosts(tmp_path_factory.mktemp("lab") / "hosts", names))
        except InvalidInputError as error:
            pytest.skip(f"no SSH hosts here: {error.message}")
        yield up


@pytest.fixture(params=[False, True], ids=["alone", "shared"])
def lab(hosts_up, request):
    """The same hosts, looked at by a connection of the preflight's own, and by one that Ansible uses afterwards."""
    return Lab(hosts_up, environ(), shares=request.param)
