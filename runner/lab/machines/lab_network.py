"""The network of a lab: a bridge to this machine, and for each machine a network namespace that is plugged into it."""

from runner.core.errors import InvalidInputError
from runner.lab.machines.lab_commands import call, succeeds
from runner.lab.machines.topology import MACHINES, Machine, Topology

_INSIDE = "host0"


def connect(topology: Topology) -> None:
    """Make the network of the lab, with no machine in it yet. Nothing leads from it to the outside.

    Raises:
        InvalidInputError: this machine has another way to those addresses.
        ExecutionError: the kernel refuses something.
    """
    _require_unused(topology)
    bridge = topology.bridge
    commands = [f"link add {bridge} type bridge", f"address add {topology.gateway}/24 dev {bridge}"]
    call("ip", "-batch", "-", script="\n".join([*commands, f"link set {bridge} up"]))


def disconnect(topology: Topology) -> None:
    """Remove the network of the lab, or whatever is left of it."""
    units = [topology.unit(machine) for machine in MACHINES.values()]
    commands = [f"netns delete {unit}" for unit in units]
    commands += [f"link delete {name}" for name in (*units, topology.bridge)]
    succeeds("ip", "-force", "-batch", "-", script="\n".join(commands))


def plug_in(topology: Topology, machine: Machine) -> None:
    """Give `machine`, which is off, a network that knows nothing of before, as a kernel that starts: no rule, no route.

    Raises:
        ExecutionError: the kernel refuses something.
    """
    unit = topology.unit(machine)
    succeeds("ip", "-force", "-batch", "-", script=f"netns delete {unit}\nlink delete {unit}")
    commands = [f"netns add {unit}", f"link add {unit} type veth peer name {_INSIDE} netns {unit}"]
    call("ip", "-batch", "-", script="\n".join([*commands, f"link set {unit} master {topology.bridge} up"]))
    inside = [f"address add {topology.address(machine)}/24 dev {_INSIDE}", "link set lo up", f"link set {_INSIDE} up"]
    inside += [f"route add default via {topology.gateway}"]
    call("ip", "-netns", unit, "-batch", "-", script="\n".join(inside))


def unplug(topology: Topology, machine: Machine) -> None:
    """Take the cable of `machine` out: it answers nobody any more, as a host without power."""
    call("ip", "-netns", topology.unit(machine), "link", "set", _INSIDE, "down")


def _require_unused(topology: Topology) -> None:
    subnet = f"{topology.gateway.rpartition('.')[0]}.0/24"
    routes = call("ip", "-4", "route", "show", "root", subnet) + call("ip", "-4", "route", "show", "match", subnet)
    if others := [line for line in routes.splitlines() if not line.startswith("default")]:
        raise InvalidInputError(
            f"the lab's network {subnet} is in use on this machine: {others[0].strip()}",
            hint="remove that route, or start the lab on another machine",
        )
