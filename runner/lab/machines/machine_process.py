"""One machine as a process: started by systemd-nspawn with systemd as its first process, and ended."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from runner.core.errors import ExecutionError
from runner.lab.machines import control_groups, user_namespace

_PATIENCE = 60.0  # seconds for a start or a shutdown, on a machine that is busy with something else
_INTERVAL = 0.02  # seconds
_SSH = 22


def boot(unit: str, hostname: str, root: Path, log: Path) -> None:
    """Start the machine `unit` on the disk `root`, in its network namespace; its console goes to `log`.

    It is on its own then: it outlives the calling process.

    Raises:
        ExecutionError: the kernel refuses its control group.
    """
    control_groups.create(unit)
    argv = ["systemd-nspawn", "--quiet", "--boot", f"--directory={root}", f"--machine={unit}", f"--hostname={hostname}"]
    # Nothing of systemd is asked for outside: it may not run there, and the control group is ours.
    argv += ["--register=no", "--keep-unit", f"--network-namespace-path=/run/netns/{unit}"]
    argv += ["--link-journal=no", "--resolv-conf=off", "--timezone=off", "--console=pipe", "--capability=CAP_NET_ADMIN"]
    alone = control_groups.inside(unit, ["setsid", "--fork", *argv])
    environment = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    if user_namespace.is_inside():
        user_namespace.start(alone, environment, log)
        return
    with log.open("ab") as console:
        started = subprocess.run(
            alone,
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            env={"PATH": os.environ.get("PATH", os.defpath), **environment},
            check=False,
        )
    if started.returncode != 0:
        raise ExecutionError(f"{hostname} cannot be put into its control group {unit}", hint=f"see {log}")


def is_on(unit: str) -> bool:
    """Whether the machine `unit` runs."""
    return control_groups.is_populated(unit)


def shut_down(units: Mapping[str, str]) -> None:
    """Shut the machines down in order (`units` to their names for people), all at the same time.

    Raises:
        ExecutionError: one does not end.
    """
    for unit in units:
        for pid in control_groups.processes(f"{unit}/supervisor"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    while left := [name for unit, name in units.items() if is_on(unit)]:
        if time.monotonic() > deadline:
            raise ExecutionError(f"{', '.join(left)} did not shut down within {_PATIENCE:g} s")
        time.sleep(_INTERVAL)


def end_orphans(unit: str) -> None:
    """End what a machine still runs whose supervisor was killed."""
    if is_on(unit) and not control_groups.processes(unit) and not control_groups.processes(f"{unit}/supervisor"):
        control_groups.kill(unit)


def wait_for_ssh(addresses: Mapping[str, str], consoles: Mapping[str, Path], *, patience: float = _PATIENCE) -> None:
    """Return when an sshd answers at each of `addresses`, by the names of the machines.

    Raises:
        ExecutionError: one does not; the error has the last words of its console.
    """
    deadline = time.monotonic() + patience
    left = dict(addresses)
    while left := {name: address for name, address in left.items() if not greets(address)}:
        if time.monotonic() > deadline:
            words = consoles[next(iter(left))].read_text(encoding="utf-8", errors="replace").split("\n")
            raise ExecutionError(
                f"no sshd answers on {', '.join(left)} within {patience:g} s", hint=" / ".join(words[-4:]).strip(" /")
            )
        time.sleep(_INTERVAL)


def greets(address: str) -> bool:
    """Whether an sshd answers at `address`."""
    try:
        with socket.create_connection((address, _SSH), 0.5) as connection:
            return connection.recv(4).startswith(b"SSH")
    except OSError:
        return False
