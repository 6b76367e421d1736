"""The machines of a lab whose directory is locked: started, saved, and started anew on other disks."""

from pathlib import Path

from runner.core.errors import ExecutionError
from runner.lab.machines import control_groups, lab_network, machine_disk, machine_process
from runner.lab.machines.lab_commands import call
from runner.lab.machines.lab_directory import LabDirectory
from runner.lab.machines.lab_teardown import unmount
from runner.lab.machines.ssh_access import Access
from runner.lab.machines.topology import MACHINES, Machine
from runner.lab.probe import Probe, health

_PATIENCE = 120.0
"""Seconds in which the web shop must answer, once the machines are up, also where much else is done."""


def access(lab: LabDirectory) -> Access:
    """How the machines of `lab` are reached."""
    return Access(lab.path, lab.topology)


def start(lab: LabDirectory) -> None:
    """Start everything of a lab whose directory is new."""
    access(lab).create()
    lab_network.connect(lab.topology)
    boot(lab, list(MACHINES.values()))


def boot(lab: LabDirectory, machines: list[Machine]) -> None:
    """Start the machines, each on the disk that it has, or else on a new one; return when they can be used.

    Where all of them are started with the stack, that is when the web shop answers.
    """
    for machine in machines:
        unit, disk = lab.topology.unit(machine), lab.disk(machine)
        if machine_disk.mount(unit, disk, lab.layers(machine)):
            machine_disk.furnish(disk / "root", machine, lab.topology, access(lab))
        lab_network.plug_in(lab.topology, machine)
        machine_process.boot(unit, machine.name, disk / "root", _console(lab, machine))
    addresses = {machine.name: lab.topology.address(machine) for machine in machines}
    machine_process.wait_for_ssh(addresses, {machine.name: _console(lab, machine) for machine in machines})
    if lab.origin.snapshot and len(machines) == len(MACHINES):
        _wait_for_shop(lab)


def start_anew(lab: LabDirectory, snapshot: str) -> None:
    """Start the machines of `lab` anew with their disks as they were at `snapshot`; what they have by now is lost.

    Raises:
        ExecutionError: a machine did not start.
    """
    for unit in map(lab.topology.unit, MACHINES.values()):
        control_groups.kill(unit)
        unmount(unit)
    boot(lab.from_snapshot(snapshot), list(MACHINES.values()))


def save(lab: LabDirectory, target: Path) -> None:
    """Shut all machines down and copy what each has written into a directory of its own in `target`."""
    machine_process.shut_down({lab.topology.unit(machine): machine.name for machine in MACHINES.values()})
    target.mkdir(parents=True)
    for machine in MACHINES.values():
        call("cp", "--archive", machine_disk.changes(lab.disk(machine)), target / machine.name)


def _wait_for_shop(lab: LabDirectory) -> None:
    url = f"http://{lab.topology.address(MACHINES['edge'])}/health"
    with Probe.watching(health(url)) as probe:
        if not probe.wait(healthy=True, within=_PATIENCE):
            raise ExecutionError(f"the web shop does not answer well within {_PATIENCE:g} s: {url}")


def _console(lab: LabDirectory, machine: Machine) -> Path:
    return lab.disk(machine) / "console.log"
