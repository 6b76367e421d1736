"""The labs of this machine: one function for each thing that a user can ask of them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.lab.interrupts import held, uninterrupted
from runner.lab.machines import control_groups, lab_machines, lab_network, machine_process, user_namespace
from runner.lab.machines.image import (
    PROVISIONED,
    Image,
    current_image,
    install_stack,
    make_system,
    new_image,
    remove_others,
)
from runner.lab.machines.lab_directory import LABS, LabDirectory, existing_lab, names, new_lab, sweep_all, used_images
from runner.lab.machines.requirements import BUILDERS, PROGRAMS, require
from runner.lab.machines.topology import MACHINES, Machine, machine_named, valid_name

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """The address of a machine, and its state: `off`, `starting` (no sshd answers), or `on`."""

    name: str
    address: str
    state: str


@dataclass(frozen=True, slots=True)
class LabStatus:
    """A lab that is up: how it is reached, what its disks began with, what they can begin with, and its machines."""

    name: str
    inventory: Path
    snapshot: str
    snapshots: tuple[str, ...]
    machines: tuple[MachineStatus, ...]


def build(cache: Path, *, again: bool, say: Say) -> Image:
    """The image by today's recipe in `cache`; made if it is not there, or is to be made `again`.

    Raises:
        InvalidInputError: something is absent that it is made with.
        ExecutionError: something of it failed.
    """
    require({**PROGRAMS, **BUILDERS})
    sweep_all()
    if not again:
        try:
            return current_image(cache)
        except InvalidInputError:
            pass
    with new_image(cache) as image:
        say("installs the system of the machines from Debian's archive")
        make_system(image, cache / "system.log")
        user_namespace.join_network()
        with new_lab(f"image-{os.getpid()}", image, snapshot="") as lab:
            lab_machines.start(lab)
            say("installs the web shop on them")
            install_stack(lab_machines.access(lab).inventory, log=cache / "stack.log", directory=lab.path)
            lab_machines.save(lab, image.provisioned)
            lab.discard()
    remove_others(cache, used=used_images())
    return current_image(cache)


def check(cache: Path) -> None:
    """Return where a lab can be started.

    Raises:
        InvalidInputError: something is absent, or there is no image in `cache`.
    """
    require(PROGRAMS)
    current_image(cache)
    if os.geteuid() != 0:
        user_namespace.try_out()


def enter(cache: Path, *, network: bool = True) -> None:
    """Have this command begin anew where its user can have labs: in a user namespace, unless they are root already.

    It comes back for root. Without `network` it can still reach what is outside, and no machine of a lab.

    Raises:
        InvalidInputError: something is absent that such a namespace needs.
    """
    if os.geteuid() != 0:
        require(PROGRAMS)
        user_namespace.enter(cache, network=network)


def has_entered(cache: Path) -> bool:
    """Whether this user, who is not root, has labs in a user namespace, so that `enter` leads to them."""
    return os.geteuid() != 0 and user_namespace.is_up(cache)


def leave() -> None:
    """End what `enter` has made, where no lab is left in it; to be called at the end of each command."""
    if not [*LABS.path.glob("*")]:
        user_namespace.end_if_alone()


def up(name: str, cache: Path) -> LabStatus:
    """Start the lab `name`.

    Raises:
        InvalidInputError: it is up, there is no image, or something is absent.
        ExecutionError: a machine did not start.
    """
    require(PROGRAMS)
    image = current_image(cache)
    with uninterrupted(), new_lab(valid_name(name), image, snapshot=PROVISIONED) as lab:
        lab_machines.start(lab)
        lab.complete()
        return _status(lab)


@contextmanager
def temporary(name: str, cache: Path) -> Iterator[LabDirectory]:
    """A lab that goes with the block; where this process is killed, the next command removes it.

    Raises:
        InvalidInputError: there is no image, or something is absent.
        ExecutionError: a machine did not start.
    """
    require(PROGRAMS)
    image = current_image(cache)

    def start(stack: ExitStack) -> LabDirectory:
        lab = stack.enter_context(new_lab(valid_name(name), image, snapshot=PROVISIONED))
        stack.callback(lab.discard)
        lab_machines.start(lab)
        return lab

    with held(start) as started:
        yield started


def down(name: str) -> None:
    """End the lab `name`, with everything of it.

    Raises:
        InvalidInputError: there is no such lab.
    """
    require(PROGRAMS)
    with uninterrupted(), existing_lab(name) as lab:
        lab.discard()


def status() -> list[LabStatus]:
    """The labs that are up; what killed commands have left behind is removed first."""
    require(PROGRAMS)
    sweep_all()
    statuses = []
    for name in names():
        with existing_lab(name) as lab:
            statuses.append(_status(lab))
    return statuses


def ssh_command(name: str, host: str) -> list[str]:
    """The command that opens a session on `host` of the lab `name`.

    Raises:
        InvalidInputError: there is no such lab, or host.
    """
    machine = _asked(host)
    with existing_lab(name) as lab:
        return lab_machines.access(lab).ssh(machine)


def power_off(name: str, host: str) -> None:
    """Cut the power of `host`: nothing on it ends in order, and it answers nobody. Its disk stays as it is.

    Raises:
        InvalidInputError: there is no such lab, or host.
    """
    machine = _asked(host)
    with uninterrupted(), existing_lab(name) as lab:
        lab_network.unplug(lab.topology, machine)
        control_groups.kill(lab.topology.unit(machine))


def power_on(name: str, host: str) -> None:
    """Start `host` again, on its disk as it is; nothing is done if it runs.

    Raises:
        InvalidInputError: there is no such lab, or host.
        ExecutionError: it did not start.
    """
    machine = _asked(host)
    with uninterrupted(), existing_lab(name) as lab:
        if not machine_process.is_on(lab.topology.unit(machine)):
            lab_machines.boot(lab, [machine])


def snapshot(name: str, snapshot: str) -> None:
    """Keep the disks of the lab `name` as they are, as `snapshot`; the machines are shut down for it in order.

    Raises:
        InvalidInputError: there is no such lab, or there is such a snapshot.
        ExecutionError: a machine did not shut down, or did not start again.
    """
    require(PROGRAMS)
    with uninterrupted(), existing_lab(name) as lab:
        if valid_name(snapshot) in (*lab.snapshots(), PROVISIONED):
            raise InvalidInputError(f"there is a snapshot {snapshot!r} already", hint="give it another name")
        new = lab.path / "snapshots/.new"
        lab_machines.save(lab, new)
        (new / "parent").write_text(lab.origin.snapshot, encoding="ascii")
        new.rename(lab.snapshot(snapshot))
        lab_machines.boot(lab, list(MACHINES.values()))


def restore(name: str, snapshot: str) -> None:
    """Start the lab `name` anew with its disks as they were at `snapshot`; what they have by now is lost.

    Raises:
        InvalidInputError: there is no such lab, or snapshot.
        ExecutionError: a machine did not start.
    """
    require(PROGRAMS)
    with uninterrupted(), existing_lab(name) as lab:
        if snapshot not in lab.snapshots():
            raise InvalidInputError(
                f"the lab {name!r} has no snapshot {snapshot!r}", hint=f"it has {', '.join(lab.snapshots())}"
            )
        lab_machines.start_anew(lab, snapshot)


def _asked(host: str) -> Machine:
    require(PROGRAMS)
    return machine_named(host)


def _status(lab: LabDirectory) -> LabStatus:
    machines = []
    for machine in MACHINES.values():
        address = lab.topology.address(machine)
        is_on = machine_process.is_on(lab.topology.unit(machine))
        state = "off" if not is_on else "on" if machine_process.greets(address) else "starting"
        machines.append(MachineStatus(machine.name, address, state))
    return LabStatus(
        lab.path.name, lab_machines.access(lab).inventory, lab.origin.snapshot, lab.snapshots(), tuple(machines)
    )
