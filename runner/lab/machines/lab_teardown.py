"""How everything of a lab is ended and removed, by the names that it has on this machine, whatever is left of it."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from runner.lab.machines import control_groups
from runner.lab.machines.lab_commands import call
from runner.lab.machines.lab_network import disconnect
from runner.lab.machines.topology import MACHINES, Topology

_MOUNTS = Path("/proc/self/mounts")
_INTERFACES = Path("/sys/class/net")
_NAMESPACES = Path("/run/netns")  # those that have a name: ip-netns(8)
_PROPAGATED = Path("/run/systemd/nspawn/propagate")  # systemd-nspawn makes a directory there for each machine


def tear_down(topology: Topology) -> None:
    """End the machines of a lab, then remove its network and its mounts; the files in its directory stay.

    Raises:
        ExecutionError: something cannot be unmounted; nothing may be removed then where it is.
    """
    units = [topology.unit(machine) for machine in MACHINES.values()]
    for unit in units:
        control_groups.remove(unit)
        shutil.rmtree(_PROPAGATED / unit, ignore_errors=True)
    for unit in units:
        unmount(unit)
    disconnect(topology)


def unmount(unit: str) -> None:
    """Unmount what is mounted under the name `unit`, the last one first.

    Raises:
        ExecutionError: it cannot be unmounted.
    """
    for target in reversed(mounted(unit)):
        call("umount", "--lazy", target)


def mounted(unit: str) -> list[str]:
    """Where something is mounted under the name `unit`."""
    return [target for source, target in _mounts(unit) if source == unit]


def _mounts(prefix: str) -> Iterator[tuple[str, str]]:
    """What is mounted under a name with that beginning, and where; without what is hidden by another mount.

    In a new mount namespace are also those of everybody else, below what is mounted over them.
    """
    for source, target, *_ in (line.split() for line in _MOUNTS.read_text(encoding="utf-8").splitlines()):
        if source.startswith(prefix) and os.path.ismount(target):
            yield source, target


def strays(prefix: str) -> set[int]:
    """The networks of all labs of which something is left on this machine, besides files."""
    form = re.compile(rf"{prefix}([0-9]+)(-.*)?", re.ASCII)
    return {int(match[1]) for name in _names(prefix) if (match := form.fullmatch(name))}


def _names(prefix: str) -> Iterator[str]:
    yield from control_groups.starting_with(prefix)
    for place in (_INTERFACES, _NAMESPACES, _PROPAGATED):
        yield from (path.name for path in place.glob(f"{prefix}*"))
    yield from (source for source, _ in _mounts(prefix))
