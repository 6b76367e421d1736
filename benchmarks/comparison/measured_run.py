"""One runbook, compiled by the product, done by plain `ansible-playbook` or by `runbook run`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from comparison.timed import Taken, directory, environment, program, timed
from runner.core.events import EventType
from runner.kinds.ansible_yaml import dump
from runner.store.log.log_reader import read, verify

RUNBOOK = "RUN-901"
STEPS = 10
FORKS = 50  # at most, as the product has; neither starts more workers than there are hosts


@dataclass(frozen=True)
class Bench:
    """What is run: the library with the compiled playbook, the inventory, and a directory for what a run leaves."""

    library: Path
    inventory: Path
    scratch: Path
    hosts: int

    def take(self, way: str) -> Taken:
        """What one run takes: `plain` or `untuned` Ansible, or the product by the engine of that name.

        Raises:
            RuntimeError: it failed, or the audit log does not prove that every step was done on every host.
        """
        return self.plain(tuned=way == "plain") if way in ("plain", "untuned") else self.product(way)

    def plain(self, *, tuned: bool) -> Taken:
        """What one run takes without the product; the connections it leaves open are ended after the clock stops."""
        with directory(self.scratch) as place:
            (place / "ansible.cfg").touch()  # else Ansible would look for the user's
            playbook = self.library / "playbooks" / f"{RUNBOOK}.yml"
            forks = ["--forks", str(min(FORKS, self.hosts))] if tuned else []
            command = [program("ansible-playbook"), *forks, "-i", str(self.inventory), str(playbook)]
            settings = {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(place / "ssh"), "ANSIBLE_HOME": str(place / "home")}
            try:
                return timed(command, cwd=place, environment=environment() | settings | (_TUNED if tuned else {}))
            finally:
                for path in (place / "ssh").glob("*"):
                    end = ["ssh", "-o", f"ControlPath={path}", "-O", "exit", "-"]
                    subprocess.run(end, stderr=subprocess.DEVNULL, check=False)

    def product(self, engine: str) -> Taken:
        """What one run takes through the product, by that `engine`."""
        with directory(self.scratch) as place:
            options = ["--state-dir", str(place / "state"), "--library", str(self.library)]
            command = [program("runbook"), *options, "run", RUNBOOK, "-i", str(self.inventory), "--yes"]
            taken = timed([*command, "--engine", engine], cwd=place, environment=environment())
            log = place / "state" / "audit" / "audit.jsonl"
            verify(log)
            passed = sum(record.type == EventType.STEP_FINISHED for record in read(log))
            if passed != STEPS * self.hosts:
                raise RuntimeError(f"{passed} steps are recorded, {STEPS * self.hosts} were to be done")
            return taken


_TUNED = {
    "ANSIBLE_GATHERING": "explicit",
    "ANSIBLE_PIPELINING": "1",
    "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=60s",
    "ANSIBLE_HOST_KEY_CHECKING": "1",
    "ANSIBLE_STDOUT_CALLBACK": "default",
}


def write_inventory(place: Path, hosts: Mapping[str, Mapping[str, Any]]) -> Path:
    """The file in `place` of an inventory with those hosts and their variables."""
    path = place / "hosts.yml"
    path.write_text(dump({"all": {"vars": {"runbook_environment": "lab"}, "hosts": hosts}}), encoding="utf-8")
    return path


def library(place: Path, *, gates: int = 0) -> Path:
    """A library with the benchmark's runbook, compiled by the product; the first `gates` of its steps are approved."""
    shutil.copytree(Path(__file__).parents[1] / "runbooks", place / "runbooks")
    path = place / "runbooks" / f"{RUNBOOK}.yml"
    runbook = yaml.safe_load(path.read_text(encoding="utf-8"))
    for step in runbook["steps"][:gates]:
        step["approve"] = f"{step['name']}?"
    path.write_text(yaml.safe_dump(runbook, sort_keys=False), encoding="utf-8")
    command = [program("runbook"), "--library", str(place), "compile"]
    subprocess.run(command, env=environment(), capture_output=True, check=True)
    return place
