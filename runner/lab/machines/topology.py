"""Which machines a lab has, and what each is called on the machine that it runs on."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from runner.core.deferred import dataclass, regex
from runner.core.errors import InvalidInputError

DEFAULT = "lab"
"""The lab that `inventories/lab` leads to, unless a command names another one."""

PREFIX = "rblab"
"""What the names of all that begin with which a lab makes outside of its own directory."""

USER = "ops"
"""Whom the machines let in; may become root by sudo."""

SITE = "shop.lab"
"""The name that the lab's web shop has its certificate for."""

MOST = 200
"""How many labs there may be at once: each has a network of its own, 10.77.0.0/24 to 10.77.199.0/24."""

_NAME = regex(r"[a-z][a-z0-9-]{0,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Machine:
    """One host of a lab: its name, the last number of its address, its groups in the inventory, its other names."""

    name: str
    number: int
    groups: tuple[str, ...]
    aliases: tuple[str, ...] = ()


MACHINES: Mapping[str, Machine] = MappingProxyType(
    {
        machine.name: machine
        for machine in (
            Machine("db1", 11, ("db_primary",)),
            Machine("db2", 12, ("db_replica",)),
            Machine("edge", 21, ("load_balancer",), (SITE,)),
            Machine("app1", 31, ("app",)),
            Machine("app2", 32, ("app",)),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Topology:
    """The addresses and names of the lab that has `network` as the third number of its addresses."""

    network: int
    prefix: str = PREFIX

    @property
    def bridge(self) -> str:
        """The network interface that connects this machine to the lab's."""
        return f"{self.prefix}{self.network}"

    @property
    def gateway(self) -> str:
        """The address of this machine in the lab's network."""
        return f"10.77.{self.network}.1"

    def address(self, machine: Machine) -> str:
        """The address of `machine`."""
        return f"10.77.{self.network}.{machine.number}"

    def unit(self, machine: Machine) -> str:
        """The name of the network namespace, the interface, the control group and the mounts of `machine`."""
        return f"{self.bridge}-{machine.name}"

    def hosts_file(self) -> str:
        """What every machine knows about the others: /etc/hosts."""
        lines = [f"{self.address(each)} {each.name} {' '.join(each.aliases)}".rstrip() for each in MACHINES.values()]
        return "\n".join(["127.0.0.1 localhost", *lines, f"{self.gateway} controller", ""])


def machine_named(name: str) -> Machine:
    """The machine with that name.

    Raises:
        InvalidInputError: there is none.
    """
    if name not in MACHINES:
        raise InvalidInputError(f"the lab has no host {name!r}", hint=f"it has {', '.join(MACHINES)}")
    return MACHINES[name]


def valid_name(name: str) -> str:
    """`name`, which can be the name of a lab or of a snapshot.

    Raises:
        InvalidInputError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name!r} is no name for a lab or a snapshot", hint="use lower-case letters, digits and hyphens"
        )
    return name
