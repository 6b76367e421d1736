"""The command line as a user types it, in this process: a library, a state and a working directory of its own."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

import pytest
from harness.fakes import runbook_file

from runner import cli
from runner.cli.system import System
from runner.executor.testing import ScriptedExecutor


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory, and an environment that says nothing to the command."""
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    for name in ("RUNBOOK_STATE", "NO_COLOR", "SUDO_USER", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return directory


@dataclass
class Machine:
    """What commands take from the machine they run on: this one, but for what a test puts in its place."""

    parts: dict = field(default_factory=dict)

    def run_ids(self, *names):
        """Let the runs that begin have these ids, the last of them again and again."""
        rest = list(names)
        self.parts["new_run_id"] = lambda: rest.pop(0) if len(rest) > 1 else rest[0]


@pytest.fixture
def machine():
    """The machine on which `runbook` runs."""
    return Machine()


@pytest.fixture
def runbook(here, machine, monkeypatch, capsys):
    """Does `runbook` with these words."""

    def do(*words):
        monkeypatch.setattr(sys, "argv", ["runbook", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main(System(**machine.parts))
        printed = capsys.readouterr()
        return Ran(ended.value.code, printed.out, printed.err)

    return do


@pytest.fixture
def library(here, runbook):
    """A library in the working directory: `library(steps=[...])` writes its runbook anew, and compiles it."""

    def write(**changes):
        path = runbook_file(here, **changes)
        (here / "inventory.yml").write_text("all: {hosts: {db1: {}}}\n")
        assert runbook("compile").code == 0
        return path

    write()
    return write


@pytest.fixture
def ansible(machine):
    """The stand-in for Ansible that runs and plans meet."""
    made = ScriptedExecutor()
    machine.parts["executor"] = lambda: made
    return made


@pytest.fixture
def unprivileged():
    """Skips where file permissions bind nobody."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
