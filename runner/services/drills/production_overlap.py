"""Whether what is to be broken is a part of production, by whatever name, way or database it is reached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runner.core.errors import InvalidInputError
from runner.core.wording import listed
from runner.lab.drills.host_identity import HostIdentity, asked, resolved, values_of
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.library.inventory import environments
from runner.library.library import Library
from runner.model.step import Step
from runner.services.drills.drill_task import DrillTask
from runner.services.run_requests import inventories_of

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_PRODUCTION = "production"
_HERE = frozenset({"localhost", "127.0.0.1"})


@dataclass(frozen=True, slots=True)
class Production:
    """The hosts of production, as they are known."""

    hosts: Sequence[HostIdentity]

    def overlaps(self, hosts: Sequence[HostIdentity], texts: Mapping[str, str]) -> tuple[str, ...]:
        """In a sentence each, how one of `hosts` is, or leads to, one of these.

        `texts` are what the drill does, by what that is called: none of it may name one of these.
        """
        found = [sentence for host in hosts for sentence in (*self._of(host), *self._led_to(host))]
        addresses = self._addresses
        for what, text in texts.items():
            words = {word.lower() for word in _NAME.findall(text) if "." in word}
            found += [f"{what} names {each}, which is {addresses[each]}" for each in sorted(words & addresses.keys())]
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


def check_is_not_production(
    task: DrillTask, inputs: Mapping[str, Any], library: Library, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """That the hosts of `task` have nothing in common with those of the library's inventories of production.

    First what can be known without any connection is compared, then what the hosts say of themselves. What could not
    be compared, in a sentence each.

    Raises:
        InvalidInputError: they have, or one of them does not say who it is.
    """
    task.check_environment()
    ansible = task.ansible
    found = [each for path in _of_production(library, ansible.inventories) for each in _read(ansible, path)]
    if not found:
        return ("the library has no host of production in inventories/: there is nothing to compare with",)
    hosts, theirs = resolved(task.inventory, environ), [resolved(each, environ) for each in found]
    texts = {f"the drill's step {step.name!r}": text for step, text in _texts(task, inputs)}
    _refuse(Production([each for part in theirs for each in part]).overlaps(hosts, texts))
    hosts = asked(hosts, task.inventory, ansible.directory)
    if silent := [f"{each.host} ({each.unknown})" for each in hosts if each.unknown]:
        hint = "each host must say who it is before anything is broken"
        raise InvalidInputError(f"nobody knows who they are: {listed(silent)}", hint=hint)
    answers = [asked(part, each, ansible.directory) for part, each in zip(theirs, found, strict=True)]
    everybody = [each for part in answers for each in part]
    _refuse(Production(everybody).overlaps(hosts, {}))
    silent = [each.host for each in everybody if each.unknown]
    return tuple(f"{host} of production does not answer: only its address and its key are compared" for host in silent)


def _refuse(overlaps: Sequence[str]) -> None:
    if overlaps:
        message = f"nothing is broken in production: {'; '.join(overlaps)}"
        hint = "a drill needs hosts that share neither machine, way nor database with production"
        raise InvalidInputError(message, hint=hint)


def _of_production(library: Library, given: Sequence[Path]) -> Iterator[Path]:
    paths = [(library.root / name).resolve() for name in inventories_of(library)]
    yield from (path for path in paths if path not in given and _PRODUCTION in environments(path))


def _read(ansible: PlainAnsible, path: Path) -> Iterator[Inventory]:
    inventory = replace(ansible, inventories=[path]).inventory()
    hosts = inventory.of_production
    if hosts:
        yield Inventory(inventory.groups, {name: inventory.variables.get(name, {}) for name in hosts})


def _texts(task: DrillTask, inputs: Mapping[str, Any]) -> Iterator[tuple[Step, str]]:
    """What the steps of the drill do, with the variables of each of their hosts filled in."""
    for step in task.drill.steps("inject", "undo"):
        for host in task.inventory.hosts_of(step.hosts or task.source.runbook.hosts):
            values = values_of(task.inventory, host, {**inputs, "groups": task.inventory.groups})
            text = " ".join([step.action.describe(), *step.action.details()]) if step.action else ""
            yield step, str(values.filled(text, missing=""))
