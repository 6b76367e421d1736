"""How a lab's machines are reached over SSH: the keys, which of them are known, and the inventory that says so."""

from pathlib import Path
from typing import Any

import yaml

from runner.core.deferred import dataclass
from runner.lab.machines.lab_commands import call
from runner.lab.machines.topology import MACHINES, USER, Machine, Topology


@dataclass(frozen=True, slots=True)
class Access:
    """The files in `directory` with which the machines of a lab let us in, and we know them."""

    directory: Path
    topology: Topology

    @property
    def client_key(self) -> Path:
        """The private key that opens every machine."""
        return self.directory / "client_key"

    @property
    def known_hosts(self) -> Path:
        """The machines' host keys, as ssh(1) reads them."""
        return self.directory / "known_hosts"

    @property
    def inventory(self) -> Path:
        """The inventory that leads to this lab, to be given after `inventories/lab`."""
        return self.directory / "inventory.yml"

    def host_key(self, machine: Machine) -> Path:
        """The private host key of `machine`."""
        return self.directory / f"host_key_{machine.name}"

    def public_key(self) -> str:
        """The line for a machine's authorized_keys."""
        return self.client_key.with_suffix(".pub").read_text(encoding="ascii")

    def create(self) -> None:
        """Make the keys, and the files that follow from them."""
        for key in (self.client_key, *map(self.host_key, MACHINES.values())):
            call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "runbook-lab", "-f", key)
        self.known_hosts.write_text("".join(map(self._known, MACHINES.values())), encoding="ascii")
        self.inventory.write_text(yaml.safe_dump(self.hosts(), sort_keys=False), encoding="utf-8")

    def hosts(self) -> dict[str, Any]:
        """The Ansible inventory: every group with its hosts, how each is reached, and where alerts are looked up."""
        groups: dict[str, dict[str, Any]] = {}
        for machine in MACHINES.values():
            for group in machine.groups:
                hosts = groups.setdefault(group, {"hosts": {}})["hosts"]
                hosts[machine.name] = {"ansible_host": self.topology.address(machine)} | self._variables()
        return {"all": {"children": groups}}

    def ssh(self, machine: Machine) -> list[str]:
        """The command that opens a session on `machine`."""
        return ["ssh", "-i", str(self.client_key), *self._options(), f"{USER}@{self.topology.address(machine)}"]

    def _variables(self) -> dict[str, Any]:
        return {
            "ansible_ssh_private_key_file": str(self.client_key),
            "ansible_ssh_common_args": " ".join(self._options()),
            "prometheus_url": f"http://{self.topology.address(MACHINES['edge'])}:9090",
        }

    def _options(self) -> list[str]:
        only = ("GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes")
        return [word for option in (f"UserKnownHostsFile={self.known_hosts}", *only) for word in ("-o", option)]

    def _known(self, machine: Machine) -> str:
        public = Path(f"{self.host_key(machine)}.pub").read_text(encoding="ascii")
        kind, key = public.split()[:2]
        return f"{self.topology.address(machine)} {kind} {key}\n"
