"""Keeps the demo's shop standing between Molecule's phases: `environment.py start|leak|stop DIRECTORY`.

`start` returns once the shop is up and DIRECTORY/inventory/shop.json leads to it, `leak` once its database gives nobody
a connection any more, `stop` once nothing of it is left. Should Molecule die, it ends by itself after `LIFETIME`.
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

from runner.lab.demo_workspace import workspace
from runner.lab.shop import Shop

LIFETIME = 300.0  # seconds; many times what the scenario takes
PATIENCE = 60.0  # seconds for each of the words, on a machine that is busy with something else


def start(directory: Path) -> None:
    """Stand up the shop in a process of its own, which outlives this one."""
    stop(directory)
    for name in ("inventory/shop.json", "leaked"):
        (directory / name).unlink(missing_ok=True)
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
    """Be the shop, until SIGTERM or the end of the lifetime; SIGUSR1 breaks it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with workspace() as place, Shop.local(place) as shop:
        signal.signal(signal.SIGUSR1, lambda *_: _publish(directory / "leaked", str(shop.break_it())))
        _publish(directory / "inventory" / "shop.json", json.dumps(shop.inventory()))
        time.sleep(LIFETIME)


def leak(directory: Path) -> None:
    """Break the shop that stands."""
    process = _standing(directory)
    signal.pidfd_send_signal(process, signal.SIGUSR1)
    _wait(process, directory, until=(directory / "leaked").exists)


def stop(directory: Path) -> None:
    """End the shop; that there is none is as good."""
    with suppress(FileNotFoundError, ProcessLookupError):
        process = _standing(directory)
        signal.pidfd_send_signal(process, signal.SIGTERM)
        if not select.select([process], [], [], PATIENCE)[0]:
            sys.exit("the shop does not end")


def _standing(directory: Path) -> int:
    """A descriptor of the process that is the shop, and not of a stranger who has got its pid since."""
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
    {"start": start, "stand": stand, "leak": leak, "stop": stop}[sys.argv[1]](Path(sys.argv[2]))
