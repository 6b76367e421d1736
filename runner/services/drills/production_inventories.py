"""Every inventory that may have hosts of production, as far as a project knows it, by whatever way it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError, InvalidInputError, RunbookError
from runner.core.identifiers import PRODUCTION
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.library.inventory import environments
from runner.library.library import Library
from runner.scheduling.entries import entries
from runner.services.run_requests import inventories_of
from runner.store.state_directory import StateDirectory

_AT_ONCE = 4
"""So many inventories are read at the same time."""

_Paths = tuple[Path, ...]
"""What is read as one inventory."""


@dataclass(frozen=True, slots=True)
class ProductionHosts:
    """The hosts of production, by the inventory that has them; `unread` says in a sentence each what was not read."""

    inventories: Sequence[Inventory]
    unread: tuple[str, ...] = ()


def production_hosts(library: Library, state: StateDirectory, ansible: PlainAnsible) -> ProductionHosts:
    """The hosts of production in all inventories of `library`, of its schedules, and of the runs that `state` has.

    Raises:
        InvalidInputError: one that is of production by its files cannot be read.
    """
    known = known_inventories(library, state)
    gone = {paths: by for paths, by in known.items() if not all(path.exists() for path in paths)}
    unread = [
        f"{_named(paths)}, {by}, is not there any more: nothing is compared with it" for paths, by in gone.items()
    ]
    there = [paths for paths in known if paths not in gone]
    places = [ansible.directory / f"inventory-{number}" for number in range(len(there))]
    found = list[Inventory]()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for read in pool.map(lambda place, paths: _read(ansible, place, paths), places, there):
            if isinstance(read, str):
                unread.append(read)
            elif hosts := read.of_production:
                found.append(replace(read, variables={name: read.variables.get(name, {}) for name in hosts}))
    return ProductionHosts(found, tuple(unread))


def known_inventories(library: Library, state: StateDirectory) -> Mapping[_Paths, str]:
    """Each inventory that may have hosts of production, and by what it is known."""
    found: dict[_Paths, str] = {}
    for paths, by in _named_somewhere(library, state):
        found.setdefault(tuple(path.resolve() for path in paths), by)
    return found


def _named_somewhere(library: Library, state: StateDirectory) -> Iterator[tuple[_Paths, str]]:
    for name in inventories_of(library):
        yield (library.root / name,), "in inventories/"
    for entry in entries(library):
        if entry.schedule:
            yield (library.root / entry.schedule.inventory,), f"of the schedule {entry.name}"
    for name in state.names():
        with suppress(RunbookError):
            run = state.directory(name).state
            if PRODUCTION in {run.environment, *run.environments.values()}:
                yield tuple(map(Path, run.inventories)), f"of the run {name}"


def _read(ansible: PlainAnsible, place: Path, paths: _Paths) -> Inventory | str:
    """What is in the inventory, read with files in `place`; why not, where nothing says that it is of production.

    Raises:
        InvalidInputError: it cannot be read, and may be of production.
    """
    place.mkdir(exist_ok=True)
    try:
        return replace(ansible, inventories=paths, directory=place).inventory()
    except ExecutionError as error:
        if any(PRODUCTION in environments(path) for path in paths):
            message = f"nobody knows what of production is in {_named(paths)}, which cannot be read"
            raise InvalidInputError(message, hint=error.hint or error.message) from None
        return f"{_named(paths)} cannot be read: nothing is compared with it"


def _named(paths: _Paths) -> str:
    return " with ".join(map(str, paths))
