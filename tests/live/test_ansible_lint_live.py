"""What we compile passes the linter of Ansible's own users: `RUNBOOK_TEST_LINT=all` shows it every playbook that there is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE, ROOT

pytestmark = pytest.mark.live

PROGRAM = Path(sys.executable).with_name("ansible-lint")
EVERY = ("playbooks", "tests/compiler/golden/playbooks", "tests/field/library/playbooks")
TELLING = (
    "playbooks/RUN-001.yml",
    "tests/compiler/golden/playbooks/RUN-901.yml",
    "tests/field/library/playbooks/RUN-712.yml",
    "tests/field/library/playbooks/RUN-718.yml",
)
"""The shipped one that most people read; every kind; what another machine does for each item; a file of tasks."""


@pytest.mark.skipif(
    not PROGRAM.exists() or shutil.which("git") is None,
    reason="ansible-lint, or git, which it asks, is not installed: pip install 'runbookctl[test]'",
)
def test_the_playbooks_pass_what_it_asks_of_production():
    wanted = EVERY if os.environ.get("RUNBOOK_TEST_LINT") == "all" else TELLING
    done = subprocess.run(
        [PROGRAM, "--offline", "--profile", "production", "-q", *wanted],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE * 3,
    )
    assert done.returncode == 0, done.stdout
