"""Runs a command, and says how long it took, by the clock and on a processor."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.executor.ansible import processes


@dataclass(frozen=True)
class Taken:
    """Seconds by the clock, and of a processor."""

    wall: float
    cpu: float


def timed(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], stdin: str = "") -> Taken:
    """Do it, and wait for it; what it starts on this side of a connection counts as well.

    Raises:
        RuntimeError: it failed; the message has what it said.
    """
    processes.adopt_orphans()  # what a command leaves is a child of this process, and counts as well
    with (cwd / "errors").open("w+b") as errors:
        used, start = _used(), time.monotonic()
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            input=stdin.encode(),
            stdout=subprocess.DEVNULL,
            stderr=errors,
            check=False,
        )
        taken = time.monotonic() - start
        errors.seek(0)
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{errors.read().decode(errors='replace')}")
    return Taken(taken, _used() - used)


def _used() -> float:
    """Seconds of a processor of all children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def environment() -> dict[str, str]:
    """What all sides see; PYTHONDONTWRITEBYTECODE would cost each start of Ansible more than half a second."""
    kept = {name: os.environ[name] for name in ("HOME", "USER", "LANG", "PATH", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"}


def program(name: str) -> str:
    """The one that is installed beside this Python."""
    return str(Path(sys.executable).parent / name)


@contextmanager
def directory(parent: Path) -> Iterator[Path]:
    """A new one in `parent`, which is gone at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="r-", dir=parent) as name:
        yield Path(name)
