"""Measures how soon `runbook run` comes to its first step, and what a run of five steps on this machine takes.

    python benchmarks/first_step.py [--runs N] [--engine fast|stock] [--python PROGRAM]

*Begun*, *hosts* and *step* are seconds from the start of the command to the first record, to that of the hosts, and to
the intent of the first step, *ended* to the end of the command; *processor* are the seconds on it of all processes
together. All are medians, each with the least of them, which other work on the machine changes less. `--python` names
that of another installation, so that two can be compared, in turn best.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from runner.core.events import EventType
from runner.kinds.ansible_yaml import dump

STEPS = 5
CONTACTS = {"team": {"name": "Team", "channels": [{"command": {"argv": ["/bin/true"]}}]}}
HOSTS = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}


class Seconds(NamedTuple):
    """Of one run."""

    begun: float
    hosts: float
    step: float
    ended: float
    processor: float


def make_library(root: Path) -> None:
    """Write a library with a runbook of five steps that look at this machine."""
    step = {"effect": "read", "why": "To see it", "command": "echo well"}
    steps = [
        {"id": f"look-{n}", "name": f"Look {n}", **step, "verify": [{"says": "It is well", "matches": "well"}]}
        for n in range(STEPS)
    ]
    runbook = {
        "id": "RUN-901",
        "title": "Five looks",
        "category": "incident",
        "severity": "P3",
        "owner": "team",
        "trigger": {"alert": "MON-901", "condition": "always"},
        "scope": {"handles": ["Looks"], "excludes": ["Changes"]},
        "hosts": "all",
        "steps": steps,
        "escalation": {"when": ["step_failed"], "contacts": ["team"], "provide": ["timeline"]},
        "follow_up": ["Nothing"],
    }
    inventory = {"all": {"hosts": {"here": HOSTS}, "vars": {"runbook_environment": "local"}}}
    for name, value in (("contacts", CONTACTS), ("RUN-901", runbook), ("../inventories/hosts", inventory)):
        path = root / "runbooks" / f"{name}.yml"
        path.parent.resolve().mkdir(parents=True, exist_ok=True)
        path.write_text(dump(value), encoding="utf-8")


def runbook(python: str, root: Path, *words: str) -> None:
    """Call the command in the library, and stop where it fails."""
    found = subprocess.run([python, "-m", "runner", *words], cwd=root, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"runbook {' '.join(words)}: {found.stderr}")


def seconds(python: str, root: Path, engine: str) -> Seconds:
    """Those of one run, in a state directory of its own."""
    with tempfile.TemporaryDirectory(prefix="first-step-") as state:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
        words = ("--state-dir", state, "run", "RUN-901", "-i", "inventories/hosts.yml", "--engine", engine)
        runbook(python, root, *words)
        ended, after = time.time() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        at: dict[str, float] = {}
        for line in (Path(state) / "audit" / "audit.jsonl").read_text(encoding="utf-8").splitlines():
            record: dict[str, Any] = json.loads(line)
            at.setdefault(record["type"], datetime.fromisoformat(record["time"]).timestamp() - start)
    first = [
        next(moment for kind, moment in at.items() if kind.endswith(str(each)))
        for each in (EventType.RUN_STARTED, EventType.TARGET_RESOLVED, EventType.STEP_INTENDED)
    ]
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Seconds(*first, ended, used)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=9, help="runs that count, after one that does not")
    parser.add_argument("--engine", choices=("fast", "stock"), default="fast")
    parser.add_argument("--python", default=sys.executable, help="the one that has the product installed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="first-step-") as directory:
        root = Path(directory)
        make_library(root)
        runbook(options.python, root, "compile")
        seconds(options.python, root, options.engine)
        found = [seconds(options.python, root, options.engine) for _ in range(options.runs)]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, values in zip(Seconds._fields, zip(*found, strict=True), strict=True):
        print(f"{name:10}{median(values):7.2f}s   least {min(values):5.2f}s")


if __name__ == "__main__":
    main()
