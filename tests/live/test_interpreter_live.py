"""The Python that Ansible would take on this machine is tried before step 1, and it is the one that Ansible takes."""

from __future__ import annotations

import os
import sys

import pytest
from harness.bench import step
from harness.ssh_lab import script


@pytest.fixture
def discovering(bench, tmp_path):
    """A host for which no interpreter is named; what the test gives is the first that is found."""
    bench.hosts(here={"ansible_python_interpreter": "auto_silent"})
    bench.write(step("act", f"touch {tmp_path}/done"))

    def run(text):
        (tmp_path / "bin").mkdir()
        script(tmp_path / "bin" / "python3.13", text)
        bench.environment["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        return bench.command("run", "RUN-900", "-i", str(bench.inventory), "--json")

    return run


def test_one_that_does_not_run_is_named_before_step_1_with_its_host(discovering, tmp_path):
    ran = discovering("echo 'pyenv: python3.13: command not found' >&2; exit 127")

    result = ran.events[-1]
    assert (ran.code, (tmp_path / "done").exists()) == (5, False), ran
    assert not [event for event in ran.events if event["type"] == "step.intended"]
    (problem,) = result["problems"]
    assert problem.startswith(
        f"here (this machine): {tmp_path}/bin/python3.13, which Ansible finds first, does not run"
    )
    assert "ansible_python_interpreter" in result["hint"]


def test_one_that_runs_is_the_one_that_ansible_takes(discovering, tmp_path):
    ran = discovering(f'echo "$*" >> {tmp_path}/used; exec {sys.executable} "$@"')

    used = (tmp_path / "used").read_text().splitlines()
    assert (ran.code, (tmp_path / "done").exists()) == (0, True), ran
    assert [line for line in used if "import json, sys" not in line], "only the probe has used it"
