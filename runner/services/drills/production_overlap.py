"""Whether what is to be broken is a part of production, by whatever name, way or database it is reached."""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass, regex
from runner.core.errors import ExecutionError, InvalidInputError, RunbookError
from runner.core.identifiers import PRODUCTION
from runner.core.wording import listed
from runner.kinds.invocation import Invocation
from runner.lab.drills.host_identity import HostIdentity, asked, resolved, values_of
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.library.inventory import environments
from runner.library.library import Library
from runner.model.procedure.drill import PHASES
from runner.model.step import Effect
from runner.scheduling.entries import entries
from runner.services.drills.drill_task import DrillTask
from runner.services.run_requests import inventories_of
from runner.store.state_directory import StateDirectory

_NAME = regex(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_TEMPLATE = regex(r"\{\{.*?\}\}", re.DOTALL)
_HERE = frozenset({"localhost", "127.0.0.1"})


@dataclass(frozen=True, slots=True)
class Production:
    """The hosts of production, as they are known."""

    hosts: Sequence[HostIdentity]

    def overlaps(self, hosts: Sequence[HostIdentity], texts: Mapping[str, str]) -> tuple[str, ...]:
        """In a sentence each, how one of `hosts` is, or leads to, one of these.

        `texts` are what the drill does, by what that is called: none of it may name one of these, by an address or as
        its inventory does; a name that one of `hosts` has as well is taken for that one.
        """
        found = [sentence for host in hosts for sentence in (*self._of(host), *self._led_to(host))]
        own = {host.host.lower() for host in hosts}
        called = {
            each.host.lower(): f"{each.host} of production" for each in self.hosts if each.host.lower() not in own
        }
        names = {**called, **self._addresses}
        for what, text in texts.items():
            words = {word.lower() for word in _NAME.findall(text) if "." in word}
            found += [f"{what} names {each}, which is {names[each]}" for each in sorted(words & names.keys())]
        return tuple(dict.fromkeys(found))

    @property
    def _addresses(self) -> Mapping[str, str]:
        """Who it is of production, by each address without its port; none that leads somewhere else from each host."""
        every = {_bare(address): f"{host.host} of production" for host in self.hosts for address in host.addresses}
        return {address: name for address, name in every.items() if address not in _HERE}

    def _of(self, host: HostIdentity) -> Iterator[str]:
        theirs = {mark: each.host for each in self.hosts for mark in each.marks}
        for mark, value in sorted(host.marks & theirs.keys()):
            yield f"{host.host} has the {mark} of {theirs[mark, value]} of production: {value}"

    def _led_to(self, host: HostIdentity) -> Iterator[str]:
        ways = {f"{host.host} is reached through {jump}": at for jump, at in host.through.items()}
        for way, at in {**ways, f"the inventory names a database for {host.host}": host.database}.items():
            if reached := sorted({_bare(each) for each in at} & self._addresses.keys()):
                yield f"{way}, which is {self._addresses[reached[0]]} ({reached[0]})"


def _bare(address: str) -> str:
    """An address without the port that it has on this machine."""
    name, _, port = address.rpartition(":")
    return name if name and ":" not in name and port.isdigit() else address


@dataclass(frozen=True, slots=True)
class ComparedHosts:
    """Who the hosts of a drill are that have nothing in common with production, each by the hash of what it says.

    `remarks` say in a sentence each what could not be compared. Where nothing is, there is no host.
    """

    machines: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def check_is_not_production(
    task: DrillTask, inputs: Mapping[str, Any], state: StateDirectory, environ: Mapping[str, str]
) -> ComparedHosts:
    """That the hosts of `task` have nothing in common with those of production, by any inventory that is known.

    First what can be known without any connection is compared, then what the hosts say of themselves.

    Raises:
        InvalidInputError: they have, or one of them does not say who it is.
    """
    task.check_environment()
    ansible = task.ansible
    known = production_hosts(task.library, state, ansible)
    if not (found := known.inventories):
        nothing = "no inventory that is known here has a host of production: there is nothing to compare with"
        return ComparedHosts(remarks=(*known.unread, nothing))
    hosts, theirs = resolved(task.inventory, environ), [resolved(each, environ) for each in found]
    _refuse(Production([each for part in theirs for each in part]).overlaps(hosts, _texts(task, inputs)))
    hosts = asked(hosts, task.inventory, ansible.directory)
    if silent := [f"{each.host} ({each.unknown})" for each in hosts if each.unknown]:
        hint = "each host must say who it is before anything is broken"
        raise InvalidInputError(f"nobody knows who they are: {listed(silent)}", hint=hint)
    answers = [asked(part, each, ansible.directory) for part, each in zip(theirs, found, strict=True)]
    everybody = [each for part in answers for each in part]
    _refuse(Production(everybody).overlaps(hosts, {}))
    unheard = dict.fromkeys(each.host for each in everybody if each.unknown)
    quiet = (f"{host} of production does not answer: only its address and its key are compared" for host in unheard)
    return ComparedHosts({each.host: each.digest for each in hosts}, (*known.unread, *quiet))


def _refuse(overlaps: Sequence[str]) -> None:
    if overlaps:
        message = f"nothing is broken in production: {'; '.join(overlaps)}"
        hint = "a drill needs hosts that share neither machine, way nor database with production"
        raise InvalidInputError(message, hint=hint)


def _texts(task: DrillTask, inputs: Mapping[str, Any]) -> Mapping[str, str]:
    """What the drill's own steps and its probe do, and what its runbook changes, each by what that is called."""
    drill, runbook = task.drill, task.source.runbook
    changing = [step for step in runbook.every_step if step.effect is not Effect.READ]
    own = [step for step in drill.steps(*PHASES) if not drill.asks_the_probe(step)]
    steps = [("the drill's", step) for step in own] + [("the runbook's", step) for step in changing]
    looks = {f"the drill's step {step.name!r}": step.verify for step in own}
    found: dict[str, list[str]] = {}
    for whose, step in steps:
        what = f"{whose} step {step.name!r}"
        done = step.action.call(step.timeout, task.source.read_file) if step.action and step.acts else None
        calls = [done, *(look.probe() for look in looks.get(what, ()))]
        found.setdefault(what, []).extend(_filled(task, calls, step.hosts or runbook.hosts, inputs))
    asked = _filled(task, [drill.probe.look.probe()], drill.probe.hosts or runbook.hosts, inputs)
    return {what: " ".join(texts) for what, texts in (*found.items(), ("the drill's probe", asked))}


def _filled(
    task: DrillTask, calls: Sequence[Invocation | None], hosts: str, inputs: Mapping[str, Any]
) -> Iterator[str]:
    """The texts of `calls`, with the variables of each of the `hosts` filled in, as far as they are known.

    What monitoring is asked is none of it: one may watch staging and production.
    """
    made = [call for call in calls if call and not call.on_controller]
    parts = [*_strings([[call.args, call.environment, call.variables] for call in made])]
    for host in task.inventory.matching(hosts):
        values = values_of(task.inventory, host, {**inputs, "groups": task.inventory.groups})
        for part in parts:
            yield from _strings(values.filled(part, missing=part))
            yield from _strings([values.filled(each, missing="") for each in _TEMPLATE.findall(part)])  # each by itself


def _strings(item: Any) -> Iterator[str]:
    """Each text in `item`, however deep."""
    if isinstance(item, Mapping):
        yield from _strings([*item.keys(), *item.values()])
    elif isinstance(item, list | tuple):
        yield from (text for each in item for text in _strings(each))
    elif item is not None:
        yield str(item)


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
