"""Keeps the hosts of the embedded backend up between Molecule's phases: `environment.py start|stop DIRECTORY`.

`start` returns once they are up and DIRECTORY/inventory/shop.json leads to them, `stop` once nothing of them is left.
Should Molecule die, they end by themselves after `LIFETIME`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from runner.lab.demo_workspace import workspace
from runner.lab.drills.drill_backends import embedded

ROOT = Path(__file__).resolve().parents[1]
LIFETIME = 300.0  # seconds; many times what the scenario takes
PATIENCE = 60.0  # seconds for each of the words, on a machine that is busy with something else


def start(directory: Path) -> None:
    """Start the hosts in a process of its own, which outlives this one."""
    stop(directory)
    (directory / "inventory" / "shop.json").unlink(missing_ok=True)
    log = directory / "environment.log"
    with log.open("wb") as output:
        standing = subprocess.Popen(
            [sys.executable, __file__, "stand", str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    (directory / "environment.pid").write_text(str(standing.pid), encoding="ascii")
    _wait(os.pidfd_open(standing.pid), directory, until=(directory / "inventory" / "shop.json").exists)


def stand(directory: Path) -> None:
    """Be the hosts, until SIGTERM or the end of the lifetime."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with workspace() as place, embedded(ROOT, place) as backend:
        _publish(directory / "inventory" / "shop.json", json.dumps(_in_one_file(*backend.inventories)))
        time.sleep(LIFETIME)


def _in_one_file(inventory: Path) -> dict[str, Any]:
    """What is in the directory `inventory`; in its own, Molecule writes `group_vars` itself."""
    groups: dict[str, Any] = json.loads((inventory / "hosts.json").read_text(encoding="utf-8"))
    for path in (inventory / "group_vars").glob("*.yml"):
        groups.setdefault(path.stem, {})["vars"] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return groups


def stop(directory: Path) -> None:
    """End them; that there are none is as good."""
    with suppress(FileNotFoundError, ProcessLookupError):
        process = _standing(directory)
        signal.pidfd_send_signal(process, signal.SIGTERM)
        if not select.select([process], [], [], PATIENCE)[0]:
            sys.exit("the hosts do not end")


def _standing(directory: Path) -> int:
    """A descriptor of the process that keeps them, and not of a stranger who has got its pid since."""
    pid = int((directory / "environment.pid").read_text(encoding="ascii"))
    process = os.pidfd_open(pid)
    if str(directory) not in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0"):
        raise ProcessLookupError(pid)
    return process


def _wait(process: int, directory: Path, *, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        if select.select([process], [], [], 0.05)[0]:
            sys.exit((directory / "environment.log").read_text(encoding="utf-8"))
        if time.monotonic() > deadline:
            sys.exit(f"not within {PATIENCE:g} s")


def _publish(path: Path, text: str) -> None:
    """Write it where nobody looks yet, so that nobody reads half of it."""
    draft = path.parent / f".{path.name}"
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    {"start": start, "stand": stand, "stop": stop}[sys.argv[1]](Path(sys.argv[2]))
