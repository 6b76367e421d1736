"""Adding a kind of step, or of verification, is one class with a key: here are both, as another package has them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml
from harness import PATIENCE
from harness.fakes import runbook_file
from harness.plugin_package import importable, register

from runner.compiler.committed_playbook import compiled
from runner.library.library import Library
from runner.model.yaml.finding import InvalidFileError

STEP = '''\
"""`touch`: a file that is there afterwards."""

from __future__ import annotations

from datetime import timedelta

from runner.kinds.steps.base import ReadFile, StepKind
from runner.core.templates import Template
from runner.kinds.invocation import Invocation, bounded


class Touch(StepKind):
    """The file, and when it was changed last."""

    key = "touch"

    touch: Template
    date: str = "now"

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """GNU touch."""
        del read_file
        return bounded(["touch", f"--date={self.date}", self.touch], timeout=timeout)
'''

VERIFICATION = '''\
"""`exists`: a file that must be there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from runner.core.templates import Template
from runner.kinds.invocation import Invocation, bounded
from runner.kinds.verifications.base import VerificationKind


class Exists(VerificationKind):
    """The path of the file."""

    key = "exists"

    exists: Template

    def probe(self, timeout: timedelta) -> Invocation:
        """A look."""
        return bounded(["test", "-e", self.exists], timeout=timeout)

    def default_conditions(self) -> Sequence[str]:
        """It is there."""
        return ("rc == 0",)

    def describe(self) -> str:
        """In words."""
        return f"{self.exists} is there"
'''


@pytest.fixture
def installed(tmp_path):
    """A folder in which a package is installed that has one kind of each."""
    folder = tmp_path / "installed"
    register(folder, "touching", steps={"touch": "touching:Touch"}, verifications={"exists": "existing:Exists"})
    (folder / "touching.py").write_text(STEP)
    (folder / "existing.py").write_text(VERIFICATION)
    with importable(folder):
        yield tmp_path


def library(root, **changes):
    path = root / "made"
    step = {"id": "a", "name": "A", "touch": str(path), "date": "2026-01-01", "verify": [{"exists": str(path)}]}
    runbook_file(root, steps=[{key: item for key, item in {**step, **changes}.items() if item is not None}])
    return Library(root)


def test_a_runbook_that_uses_it_loads_and_compiles(installed):
    made = library(installed)
    source = made.source("RUN-001")
    (step,) = source.runbook.steps
    assert (step.action.key, step.verify[0].says) == ("touch", f"{installed / 'made'} is there")
    (play,) = yaml.safe_load(compiled(source))
    action, probe, judged = play["tasks"][0]["block"]
    words = [*("timeout", "--kill-after=5s", "60s", "touch", "--date=2026-01-01"), str(installed / "made")]
    assert action["ansible.builtin.command"]["argv"] == words
    assert probe["ansible.builtin.command"]["argv"][-3:] == ["test", "-e", str(installed / "made")]
    assert judged["ansible.builtin.assert"]["that"] == ["probe.rc | default(-1) == 0", "rc == 0"]


@pytest.mark.parametrize(
    ("changes", "path", "hint"),
    [
        ({"tuch": "/x", "touch": None}, "steps[0].tuch", "did you mean 'touch'?"),
        ({"dat": "now"}, "steps[0].dat", "did you mean 'date'?"),
        ({"verify": [{"exist": "/x"}]}, "steps[0].verify[0].exist", "did you mean 'exists'?"),
        ({"verify": [{"date": "now", "exists": "/x"}]}, "steps[0].verify[0].date", "possible keys are "),
    ],
)
def test_it_is_meant_where_something_like_it_is_written(installed, changes, path, hint):
    made = library(installed, **changes)
    with pytest.raises(InvalidFileError) as caught:
        made.source("RUN-001")
    (finding,) = [finding for finding in caught.value.findings if finding.rule == "unknown-key"]
    assert finding.path == path
    assert finding.hint.startswith(hint)


@pytest.mark.live
def test_it_is_done(installed):
    # Given the command where the package is installed
    library(installed)
    variables = f"ansible_connection=local ansible_python_interpreter={sys.executable} runbook_environment=local"
    (installed / "hosts").write_text(f"here {variables}\n")
    words = [sys.executable, "-m", "runner", "--library", installed, "--state-dir", installed / "state"]
    env = {**os.environ, "PYTHONPATH": str(installed / "installed")}
    subprocess.run([*words, "compile"], check=True, capture_output=True, cwd=installed, env=env)
    # When the runbook is done
    run = [*words, "run", "RUN-001", "-i", installed / "hosts", "--yes", "--json"]
    done = subprocess.run(run, check=False, capture_output=True, text=True, timeout=PATIENCE, cwd=installed, env=env)
    # Then the step has passed, and has done what it says
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["data"]["outcome"] for event in events if event["type"] == "step.finished"] == ["passed"], done.stderr
    assert (installed / "made").stat().st_mtime > 0
