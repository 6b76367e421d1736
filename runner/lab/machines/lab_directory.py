"""The directory of each lab that is up: what it was made from, who works on it, and what to clean up after a kill."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from fcntl import LOCK_EX, LOCK_NB
from pathlib import Path
from typing import Self

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.lab.directory_locks import lock
from runner.lab.machines.image import PROVISIONED, Image
from runner.lab.machines.lab_teardown import strays, tear_down
from runner.lab.machines.machine_process import end_orphans
from runner.lab.machines.topology import DEFAULT, MACHINES, MOST, PREFIX, Machine, Topology

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the directories of all labs are, and what the names begin with of what they make elsewhere."""

    path: Path
    prefix: str


LABS = Place(Path("/run/runbook-lab"), PREFIX)
"""The labs of this machine; their directories are gone after a boot, as everything else of them."""


@dataclass(frozen=True, slots=True)
class LabOrigin:
    """What a lab was made from: its network, image, the snapshot its disks began with ("" for none), and the boot."""

    network: int
    image: str
    snapshot: str
    boot: str


@dataclass(frozen=True, slots=True)
class LabDirectory:
    """One lab's directory `path`, to be used by whoever has its lock."""

    path: Path
    origin: LabOrigin
    prefix: str = PREFIX

    @property
    def topology(self) -> Topology:
        """The lab's names and addresses."""
        return Topology(self.origin.network, self.prefix)

    @property
    def image(self) -> Image:
        """The image that its machines have in common."""
        return Image(Path(self.origin.image))

    def disk(self, machine: Machine) -> Path:
        """Where the disk of `machine` is mounted, and what its console says."""
        return self.path / "machines" / machine.name

    def snapshot(self, name: str) -> Path:
        """The directory of the snapshot `name`, with a directory for each machine."""
        return self.path / "snapshots" / name

    def snapshots(self) -> tuple[str, ...]:
        """The names of the snapshots that the lab's disks can be made from."""
        own = sorted(path.name for path in self.path.glob("snapshots/[a-z]*"))
        return (*((PROVISIONED,) if self.image.is_provisioned() else ()), *own)

    def layers(self, machine: Machine) -> list[Path]:
        """What the disk of `machine` began with, the newest layer first, the image last."""
        layers, name = [], self.origin.snapshot
        while name not in ("", PROVISIONED):
            layers.append(self.snapshot(name) / machine.name)
            name = (self.snapshot(name) / "parent").read_text(encoding="ascii")
        base = [self.image.provisioned / machine.name] if name else []
        return [*layers, *base, self.image.root]

    def from_snapshot(self, name: str) -> Self:
        """The same lab, whose disks begin with the snapshot `name` from now on."""
        changed = replace(self, origin=replace(self.origin, snapshot=name))
        changed.write()
        return changed

    def write(self) -> None:
        """Note the origin, at once or not at all."""
        new = self.path / "origin.new"
        new.write_text(json.dumps(asdict(self.origin)), encoding="utf-8")
        new.replace(self.path / "origin.json")

    def complete(self) -> None:
        """From now on it is a lab that stays; before, it goes with the process that makes it."""
        (self.path / _COMPLETE).touch()

    def discard(self) -> None:
        """End and remove everything of the lab; what a kill leaves of it, the next command removes.

        Raises:
            ExecutionError: something cannot be unmounted.
        """
        (self.path / _COMPLETE).unlink(missing_ok=True)
        tear_down(self.topology)
        shutil.rmtree(self.path, ignore_errors=True)


@contextmanager
def new_lab(name: str, image: Image, *, snapshot: str, labs: Place = LABS) -> Iterator[LabDirectory]:
    """The directory of a new lab, locked for the block; where the block fails, nothing is left of the lab.

    Raises:
        InvalidInputError: there is a lab of that name, or there are too many.
    """
    with ExitStack() as stack:
        with _all_locked(labs):
            sweep(labs)
            path = labs.path / name
            if path.exists():
                raise InvalidInputError(
                    f"the lab {name!r} is up already",
                    hint=f"runbook lab status says how it is reached, runbook lab down --lab {name} ends it",
                )
            origin = LabOrigin(_free_network(name, labs), str(image.path), snapshot, _BOOT.read_text(encoding="ascii"))
            path.mkdir(mode=0o700)
            directory = LabDirectory(path, origin, labs.prefix)
            directory.write()
            stack.callback(os.close, lock(path, LOCK_EX))
        try:
            yield directory
        except BaseException:
            directory.discard()
            raise


@contextmanager
def existing_lab(name: str, *, labs: Place = LABS) -> Iterator[LabDirectory]:
    """The directory of the lab `name`, locked for the block; whoever else works on it is waited for.

    Raises:
        InvalidInputError: there is no such lab.
    """
    with _all_locked(labs):
        sweep(labs)
    path = labs.path / name
    with ExitStack() as stack:
        with suppress(FileNotFoundError):
            stack.callback(os.close, lock(path, LOCK_EX))
        if not (path / _COMPLETE).exists():
            others = ", ".join(names(labs)) or "none"
            raise InvalidInputError(f"no lab {name!r} is up (up: {others})", hint="start it with runbook lab up")
        shutil.rmtree(path / "snapshots/.new", ignore_errors=True)  # half a snapshot, left by a kill
        yield _read(path, labs)


def names(labs: Place = LABS) -> tuple[str, ...]:
    """The names of the labs that are up."""
    return tuple(sorted(path.parent.name for path in labs.path.glob(f"*/{_COMPLETE}")))


def used_images(labs: Place = LABS) -> set[Path]:
    """The images of all labs, also of those that go with a command, or are just made."""
    with _all_locked(labs):
        return {_read(path, labs).image.path for path in _directories(labs)}


def sweep_all(labs: Place = LABS) -> None:
    """Remove what killed commands have left behind, and nothing that somebody works on."""
    with _all_locked(labs):
        sweep(labs)


def sweep(labs: Place) -> None:
    """The same, for whoever has the lock on all labs.

    A lab is left behind when its directory is lost, when nobody works on it and it never got complete, or when this
    machine was started anew since. So is a machine whose supervisor was killed: it ends, as by a loss of power.
    """
    living = {_read(path, labs).origin.network for path in _directories(labs)}
    for network in strays(labs.prefix) - living:
        tear_down(Topology(network, labs.prefix))
    for path in _directories(labs):
        with suppress(OSError), ExitStack() as stack:
            stack.callback(os.close, lock(path, LOCK_EX | LOCK_NB))
            directory = _read(path, labs)
            if not (path / _COMPLETE).exists() or directory.origin.boot != _BOOT.read_text(encoding="ascii"):
                directory.discard()
            else:
                for machine in MACHINES.values():
                    end_orphans(directory.topology.unit(machine))


@contextmanager
def _all_locked(labs: Place) -> Iterator[None]:
    labs.path.mkdir(mode=0o755, exist_ok=True)
    with ExitStack() as stack:
        stack.callback(os.close, lock(labs.path, LOCK_EX))
        yield


def _directories(labs: Place) -> list[Path]:
    return [path for path in sorted(labs.path.iterdir()) if path.is_dir()]


def _read(path: Path, labs: Place) -> LabDirectory:
    """The lab in `path`; one that was killed before it wrote anything has made nothing, in no network."""
    try:
        origin = LabOrigin(**json.loads((path / "origin.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        origin = LabOrigin(-1, "", "", "")
    return LabDirectory(path, origin, labs.prefix)


def _free_network(name: str, labs: Place) -> int:
    """A network for the lab `name`; the first one is kept for the lab that `inventories/lab` leads to."""
    taken = {_read(path, labs).origin.network for path in _directories(labs)}
    free = [number for number in range(name != DEFAULT, MOST) if number not in taken]
    if not free:
        raise InvalidInputError(f"{MOST} labs are up, and there cannot be more", hint="runbook lab status")
    return free[0]
