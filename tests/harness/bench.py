"""A library of one's own in a test's directory, and the command as a user types it."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from harness import PATIENCE, TESTS
from harness.command_server import command_server
from runner.compiler.committed_playbook import write
from runner.executor.ansible import processes
from runner.executor.job import ENGINE, ENGINES
from runner.library.library import Library

CONTACTS = (
    "on-call: {name: On-call engineer, channels: [{webhook: {url: 'http://127.0.0.1:9/'}}]}\nowners: {name: Owners}\n"
)

BOTH_ENGINES = pytest.mark.parametrize("bench", ENGINES, indirect=True)
"""A test that is one of both engines."""


def by_engine(request):
    """The environment of a bench of a test that names an engine."""
    return {ENGINE: request.param} if hasattr(request, "param") else {}


def runbook_text(*steps, hosts="all", **changes):
    """The least runbook with these steps, which calls nobody."""
    document = {
        "id": "RUN-900",
        "title": "A trial",
        "category": "maintenance",
        "severity": "P3",
        "owner": "owners",
        "trigger": {"event": "a test"},
        "scope": {"handles": ["Trials"]},
        "hosts": hosts,
        "steps": list(steps),
        "escalation": {
            "when": [{"declared": "Too much"}],
            "contacts": ["on-call"],
            "provide": ["timeline", "actions"],
        },
        **changes,
    }
    # What two steps share is written twice: a runbook has no aliases.
    return yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False)


def step(name, shell, **keys):
    """A shell step that is stopped, not escalated, when it fails."""
    return {
        "id": name,
        "name": name.capitalize(),
        "shell": shell,
        "verify": [{"exit": 0}],
        "on_failure": "stop",
        **keys,
    }


@functools.cache
def module_python(python=sys.executable):
    """That `python` for the modules of Ansible; what it has compiled is kept until this process ends."""
    directory = Path(tempfile.mkdtemp(prefix="modules-"))
    directory.chmod(0o755)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    program = directory / "python"
    program.write_text(f"#!{python}\n{(TESTS / 'harness' / 'module_python.py').read_text()}")
    program.chmod(0o755)
    return str(program)


@dataclass
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def events(self):
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


@dataclass
class Bench:
    """A library, an inventory of this machine, a state directory, and the command."""

    directory: Path
    environment: dict = field(default_factory=dict)
    elsewhere: Path | None = None
    """Where the state is kept, if not in `directory`."""

    answers: dict | None = None
    """What a stand-in for Ansible says in its place, where what Ansible does is not what the test is about."""

    @property
    def state(self):
        return self.elsewhere or self.directory / "state"

    @property
    def inventory(self):
        return self.directory / "inventory.yml"

    def hosts(self, **hosts):
        given = hosts or {"here": {}}
        local = {
            "ansible_connection": "local",
            "ansible_pipelining": True,  # as in a run: plain Ansible copies each module otherwise, by five more shells
            "ansible_python_interpreter": module_python(),
            "runbook_environment": "local",
        }
        named = {
            name: {**local, "ansible_remote_tmp": str(self.directory / "tmp"), **keys} for name, keys in given.items()
        }
        self.inventory.write_text(yaml.safe_dump({"all": {"hosts": named}}))

    def write(self, *steps, contacts=CONTACTS, **changes):
        runbooks = self.directory / "runbooks"
        runbooks.mkdir(exist_ok=True)
        (runbooks / "contacts.yml").write_text(contacts)
        (runbooks / "RUN-900.yml").write_text(runbook_text(*steps, **changes))
        self.compile()

    def compile(self):
        library = Library(self.directory)
        for source in map(library.source, library.ids()):
            write(library, source)

    def words(self, *words):
        return [sys.executable, "-m", "runner", *self._options(), *words]

    def _options(self):
        return ["--state-dir", str(self.state), "--library", str(self.directory)]

    def _environment(self):
        # What a module that was killed leaves behind goes with the test's directory.
        return {**os.environ, "TMPDIR": str(self.directory), **self.environment}

    def started(self, *words, **options):
        """The command in the midst of its work, with the `options` that its process is started with."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        return subprocess.Popen(
            self.words(*words), env=self._environment(), cwd=self.directory, text=True, **{**pipes, **options}
        )

    def command(self, *words, patience=PATIENCE, **options):
        """The command as it has ended."""
        if not options:
            given = {"environment": self._environment(), "directory": self.directory, "patience": patience}
            given["answers"] = self.answers
            return Ran(*command_server().do([*self._options(), *words], **given))
        process = self.started(*words, **options)
        out, err = process.communicate(timeout=patience)
        return Ran(process.returncode, out, err)

    def run(self, *words, **options):
        return self.command("run", "RUN-900", "-i", str(self.inventory), "--yes", "--json", *words, **options)

    def begun(self, path, *words):
        """The command, once the step that makes `path` has begun."""
        process = self.started("run", "RUN-900", "-i", str(self.inventory), "--yes", "--json", *words)
        wait_until(path.exists, f"{path.name} is made", process)
        return process

    def pending(self):
        """The questions that wait for an answer."""
        shown = self.command("pending", "--json")
        return json.loads(shown.out) if shown.code == 0 else []

    def asks(self, process):
        """Wait until a run asks somebody: the log is looked at, as starting a command takes longer than a look."""
        log = self.state / "audit" / "audit.jsonl"
        wait_until(lambda: log.exists() and "gate.asked" in log.read_text(), "it asks", process)
        wait_until(self.pending, "it waits", process)

    def records(self):
        return [json.loads(line) for line in (self.state / "audit" / "audit.jsonl").read_text().splitlines()]

    def run_ids(self):
        return sorted(path.name for path in (self.state / "runs").iterdir())


def wait_until(condition, what, process=None, seconds=PATIENCE, every=0.02):
    deadline = time.monotonic() + seconds
    while not condition():
        if process and process.poll() is not None:
            pytest.fail(f"the command ended before {what}: {process.communicate()}")
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(every)


def survivors(run_id):
    """Every process that the run has started, whatever it is for, and that has not ended."""
    wanted = f"RUNBOOK_RUN_ID={run_id}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes()
    return {pid: words for pid, words in found.items() if pid != os.getpid() and processes.is_alive(pid)}


def kill(pid):
    os.kill(pid, signal.SIGKILL)
