"""Where drills are done: a lab of machines, hosts that need no root, or those of an inventory."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.lab.drills.embedded_hosts import embedded_hosts
from runner.lab.machines import lab, lab_machines
from runner.lab.machines.image import PROVISIONED
from runner.library.root import shipped_root

_ROOM = 200
"""Megabytes that a drill takes on the embedded backend, for databases, logs and backups, and some more."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What its hosts are called, the `inventories` that lead to them, and what makes them as they were at first.

    With `moves` they are at other addresses after that, to which the same inventories lead. Those that are `given`
    were there before, and stay.
    """

    name: str
    inventories: Sequence[Path]
    restore: Callable[[], None]
    moves: bool = False
    given: bool = False


def _lab_inventory(library: Path) -> Path:
    """What is the same on every host of a lab: the inventory of the `library`, or the shipped one."""
    own = library / "inventories/lab"
    return own if own.is_dir() else shipped_root() / "inventories/lab"


@contextmanager
def own_lab(library: Path, cache: Path) -> Iterator[Backend]:
    """A lab that goes with the block: its image from `cache`, what its hosts have in common from the `library`.

    Raises:
        InvalidInputError: something is absent that a lab needs, or its image.
        ExecutionError: a machine did not start.
    """
    with lab.temporary(f"drill-{os.getpid()}", cache) as started:
        inventories = [_lab_inventory(library), lab_machines.access(started).inventory]
        yield Backend("lab", inventories, lambda: lab_machines.start_anew(started, PROVISIONED))


@contextmanager
def embedded(library: Path, directory: Path) -> Iterator[Backend]:
    """Hosts without root, all of whose files are in `directory`; what they have in common comes from the `library`.

    Raises:
        InvalidInputError: PostgreSQL's wheel or OpenSSH's server is absent, there is no room for the databases, or
            nobody can log in to this account.
        ExecutionError: something did not start.
    """
    inventory = directory / "embedded"
    inventory.mkdir()
    shutil.copytree(_lab_inventory(library) / "group_vars", inventory / "group_vars")
    with ExitStack() as stack:
        made = 0

        def open_shop() -> None:
            nonlocal made
            stack.close()
            _check_room(directory)
            made += 1
            place = directory / f"shop-{made}"
            place.mkdir(mode=0o711)
            stack.callback(shutil.rmtree, place, ignore_errors=True)
            found = stack.enter_context(embedded_hosts(place))
            (inventory / "hosts.json").write_text(json.dumps(found), encoding="utf-8")

        open_shop()
        yield Backend("embedded", [inventory], open_shop, moves=True)


def _check_room(directory: Path) -> None:
    """See that there is room in `directory` before a database ends in the middle, with words of its own.

    Raises:
        InvalidInputError: there is too little.
    """
    if (free := shutil.disk_usage(directory).free // 2**20) < _ROOM:
        there = f"there is too little room in {directory.parent}: {free} MB, and a drill needs {_ROOM} MB"
        raise InvalidInputError(there, hint="make room, or name another directory by TMPDIR")


def given(inventories: Sequence[Path]) -> Backend:
    """The hosts of `inventories`, on which each drill takes back what it has changed, and nothing is made anew."""
    return Backend(", ".join(path.name for path in inventories), inventories, lambda: None, given=True)
