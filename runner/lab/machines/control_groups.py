"""The control group of each machine: everything that it runs is in there, and can be ended at once.

https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runner.core.duration import comes_true

_MOUNTS = Path("/proc/self/mounts")
_OWN = Path("/proc/self/cgroup")
_INTERVAL = 0.005  # seconds
_PATIENCE = 10.0  # seconds in which the kernel ends what is killed


def hierarchies(mounts: Path = _MOUNTS) -> tuple[Path, ...]:
    """Where control groups can be made: version 2 first, then systemd's own of version 1 where there is that too.

    A machine needs one in each, else all would share the group of whoever starts them. Empty without version 2.
    """
    lines = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    # What is mounted later hides what is there or below, as a user namespace's /sys does that of the machine.
    fields = [each for place, each in enumerate(lines, 1) if not any(_hides(late, each) for late in lines[place:])]
    second = [Path(mount) for _, mount, kind, *_ in fields if kind == "cgroup2"]
    first = [Path(mount) for _, mount, kind, options, *_ in fields if kind == "cgroup" and "name=systemd" in options]
    return (second[0], *first[:1]) if second else ()


def own() -> Path:
    """The directory of the control group that this process is in, of version 2."""
    lines = _OWN.read_text(encoding="utf-8").splitlines()
    path = next(line.removeprefix("0::") for line in lines if line.startswith("0::"))
    return hierarchies()[0] / path.lstrip("/")


def create(name: str) -> None:
    """Make the control group `name`, if there is none yet."""
    for hierarchy in hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)


def inside(name: str, argv: Sequence[str]) -> list[str]:
    """The command that puts itself into the control group `name`, and then is `argv`."""
    files = [str(hierarchy / name / "cgroup.procs") for hierarchy in hierarchies()]
    script = 'for file in $1; do echo $$ >"$file" || exit 1; done; shift; exec "$@"'
    return ["/bin/sh", "-c", script, "sh", " ".join(files), *argv]


def kill(name: str) -> None:
    """End everything in the control group `name` at once, as a loss of power would; return when it has ended."""
    for hierarchy in hierarchies()[:1]:
        with suppress(FileNotFoundError):
            (hierarchy / name / "cgroup.kill").write_text("1", encoding="ascii")
            comes_true(lambda: not is_populated(name), within=_PATIENCE, every=_INTERVAL)


def is_populated(name: str) -> bool:
    """Whether a process is in the control group `name`, or below it."""
    for hierarchy in hierarchies()[:1]:
        with suppress(OSError):
            return "populated 1" in (hierarchy / name / "cgroup.events").read_text(encoding="ascii")
    return False


def processes(name: str) -> list[int]:
    """The processes that are in the control group `name` itself, not below it; none where there is no such group."""
    for hierarchy in hierarchies()[:1]:
        with suppress(OSError):
            return [int(pid) for pid in (hierarchy / name / "cgroup.procs").read_text(encoding="ascii").split()]
    return []


def remove(name: str) -> None:
    """End everything in the control group `name`, and remove it with those below it."""
    kill(name)
    for hierarchy in hierarchies():
        for directory, _, _ in os.walk(hierarchy / name, topdown=False):
            with suppress(OSError):
                Path(directory).rmdir()


def starting_with(prefix: str) -> set[str]:
    """The names of the control groups that begin with `prefix`."""
    return {path.name for hierarchy in hierarchies() for path in hierarchy.glob(f"{prefix}*")}


def _hides(late: Sequence[str], early: Sequence[str]) -> bool:
    return Path(early[1]).is_relative_to(late[1])
