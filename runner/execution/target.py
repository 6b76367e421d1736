"""What a run is aimed at: the hosts that each pattern matches, and which class of environment they belong to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from runner.definition.finding import did_you_mean
from runner.definition.model import Runbook
from runner.definition.step import Step
from runner.errors import InvalidInputError, UnreachableError

CLASSES = ("local", "lab", "staging", "production")
"""From the most harmless to the one that counts; an inventory that says nothing is production."""


@dataclass(frozen=True, slots=True)
class Target:
    """`hosts` maps each pattern to the names it matches; `environments` and `machines` map each name.

    The former to its class, the latter to its address: two names with one address are one machine.
    """

    hosts: Mapping[str, tuple[str, ...]]
    environments: Mapping[str, str]
    machines: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_hello(cls, message: Mapping[str, Any]) -> Self:
        """The target that the callback plugin reports before the first play."""
        hosts = {play["pattern"]: tuple(play["hosts"]) for play in message["plays"]}
        return cls(hosts, dict(message["environments"]), dict(message.get("machines", {})))

    @property
    def environment(self) -> str:
        """The class of the whole target: that of its most serious host."""
        return max(self.environments.values(), key=CLASSES.index, default="production")

    @property
    def names(self) -> tuple[str, ...]:
        """All hosts, each once, in the order in which the procedure meets them."""
        return tuple(dict.fromkeys(name for names in self.hosts.values() for name in names))

    @property
    def locks(self) -> tuple[str, ...]:
        """The names by which only one run at a time may have each of the machines."""
        return tuple(f"host:{self.machines.get(name, name)}" for name in self.names)

    def of(self, runbook: Runbook, step: Step) -> tuple[str, ...]:
        """The hosts on which `step` is done."""
        return self.hosts.get(runbook.hosts_of(step), ())

    def check(self, runbook: Runbook) -> None:
        """That every step has a host, and every host a known class.

        Raises:
            UnreachableError: a pattern matches nothing.
            InvalidInputError: a host's `runbook_environment` is not one of the classes.
        """
        for step in runbook.procedure:
            if not self.of(runbook, step):
                raise UnreachableError(
                    f"the step {step.id!r} has no host: nothing in the inventory matches {runbook.hosts_of(step)!r}",
                    hint="name the inventory with -i, and look at --limit and the inventory's groups",
                )
        for name, environment in self.environments.items():
            if environment not in CLASSES:
                raise InvalidInputError(
                    f"{name}: runbook_environment is {environment!r}",
                    hint=f"set it in the inventory's group_vars to one of {', '.join(CLASSES)}",
                )


def check_hosts(runbook: Runbook, inputs: Mapping[str, Any], names: Collection[str]) -> None:
    """That each input which is a host is one of `names`, the hosts of the whole inventory.

    Raises:
        InvalidInputError: some are not; the message tells of all of them.
    """
    asked = {name: inputs[name] for name, item in runbook.inputs.items() if item.type == "host" and name in inputs}
    wrong = {name: host for name, host in asked.items() if host not in names}
    if wrong:
        told = [f"-e {name}={host}: the inventory has no such host" for name, host in wrong.items()]
        near = [hint for host in wrong.values() if (hint := did_you_mean(host, names))]
        raise InvalidInputError("\n".join(told), hint=" ".join(near) or "look at -i, and ansible-inventory --graph")
