"""A command imports what it uses and no more: most of a short command's time is that."""

from __future__ import annotations

import subprocess
import sys

import pytest
from harness.fakes import runbook_file
from harness.scheduler import schedule

HEAVY = {"pydantic", "jinja2", "yaml", "paramiko", "ansible", "ansible_runner", "importlib.metadata", "rich"}
PROGRAM = """
import atexit, sys
from runner.cli import main
atexit.register(lambda: print(*sorted({heavy!r} & sys.modules.keys()), file=sys.stderr))
main()
"""


@pytest.fixture
def imported(tmp_path):
    """Calls the command with these words in a library that has a schedule; which of the heavy modules, or `of` others, it imports."""
    runbook_file(tmp_path, schedules=[schedule()])
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": ""}

    def call(*words, of=HEAVY):
        command = [sys.executable, "-c", PROGRAM.format(heavy=of), *words]
        done = subprocess.run(command, cwd=tmp_path, env=cache, capture_output=True, text=True, check=True)
        return set(done.stderr.splitlines()[-1].split())

    return call


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("schedule", "--help")])
def test_help_needs_none_of_them(imported, words):
    assert imported(*words) == set()


@pytest.mark.parametrize(
    "module",
    ["runner.executor", "runner.orchestrator", "runner.worker", "runner.store.lease", "runner.cli.schedule_commands"],
)
def test_a_look_at_which_nothing_is_due_needs_nothing_of_a_run(imported, module):
    imported("schedule", "tick")

    assert imported("schedule", "tick", of={module}) == set()


def test_a_look_at_which_nothing_is_due_needs_none_of_them_once_the_index_is_current(imported):
    first, second = imported("schedule", "tick"), imported("schedule", "tick")

    assert {"pydantic", "yaml"} <= first
    assert second == set()
