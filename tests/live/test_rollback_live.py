"""Criteria and rollback triggers with Ansible itself: by plain ansible-playbook, and in a run that one of them stops."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from harness import PATIENCE
from harness.bench import runbook_text, step, wait_until
from harness.registry_files import CRITERIA, TRIGGER

ROLLBACK = "RUN-901"


@pytest.fixture
def release(bench):
    """A release of which two of three criteria are met nowhere; it is watched for a minute, by a trigger on a file."""
    place = bench.directory
    checks = {"DEP-001": f"test -d {place}", "DEP-002": f"test -e {place}/tested", "DEP-003": f"test -e {place}/free"}
    entries = {name: {**CRITERIA["DEP-002"], "check": {"command": what, "exit": 0}} for name, what in checks.items()}
    condition = {"command": f"cat {place}/rate", "that": "stdout | float > 2"}
    rollback = {**TRIGGER["rollback"], "runbook": ROLLBACK, "condition": condition, "every": "5s", "auto": True}
    (place / "rate").write_text("1.0")
    (place / "runbooks" / "registry").mkdir(parents=True)
    registry = {**entries, "DEP-006": {**TRIGGER, "rollback": rollback}}
    (place / "runbooks" / "registry" / "deployments.yml").write_text(yaml.safe_dump(registry))
    back = runbook_text(step("back", f"rm -f {place}/released")).replace("RUN-900", ROLLBACK)
    (place / "runbooks" / f"{ROLLBACK}.yml").write_text(back)
    hold = {"says": "It stays", "command": f"test -e {place}/released", "exit": 0, "hold_for": "1m", "every": "1s"}
    watch = {"id": "soak", "name": "Soak", "verify": [hold]}
    bench.hosts(a={}, b={})
    steps = (step("release", f"touch {place}/released"), watch)
    bench.write(*steps, prerequisites=[{"criteria": ["DEP-002", "DEP-001", "DEP-003"]}], watch=["DEP-006"])
    return bench


def plain(bench, *words):
    """What plain ansible-playbook says of it."""
    program = Path(sys.executable).with_name("ansible-playbook")
    environment = {"PATH": os.environ["PATH"], "HOME": str(bench.directory), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [program, "-i", bench.inventory, bench.directory / "playbooks" / "RUN-900.yml", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=bench.directory,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout + done.stderr


def test_plain_ansible_names_every_blocker_and_tells_of_a_trigger(release):
    code, told = plain(release)

    assert (code, "These criteria are not met: DEP-002, DEP-003" in told) == (2, True), told
    assert not (release.directory / "released").exists()

    quiet, _ = plain(release, "--tags", "step-trigger-dep-006")
    (release.directory / "rate").write_text("3.5")
    _, told = plain(release, "--tags", "step-trigger-dep-006")

    assert (quiet, "DEP-006 fires, or cannot be looked at" in told) == (0, True), told


def test_a_trigger_that_fires_ends_the_watch_and_the_rollback_begins(release):
    for name in ("tested", "free"):
        (release.directory / name).touch()
    process = release.started("run", "RUN-900", "-i", str(release.inventory), "--yes", "--json")
    log = release.state / "audit" / "audit.jsonl"
    wait_until(lambda: log.exists() and '"quiet"' in log.read_text(), "the trigger is looked at", process)
    (release.directory / "rate").write_text("3.5")

    _, err = process.communicate(timeout=PATIENCE)

    records = release.records()
    seen = [record["data"]["runbook"] for record in records if record["type"] == "runbook.trigger.seen"]
    states = [each["state"] for each in seen]
    assert states == ["quiet", "fired"], err
    assert "stdout | float = 3.5" in seen[-1]["reason"]
    ended = [record["data"]["runbook"] for record in records if record["type"] == "runbook.run.finished"]
    assert [each["outcome"] for each in ended] == ["passed", "failed"], err
    assert not (release.directory / "released").exists()
    # The minute was not waited for: no sample of the watch is missing that was not ended.
    spans = [record["data"]["runbook"]["why"] for record in records if record["type"] == "runbook.span.finished"]
    assert "halted" in spans
    assert release.command("audit", "verify").code == 0
