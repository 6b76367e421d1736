"""How the machines are reached: keys of their own, and the inventory, of which the library has that of the first lab."""

import shutil

import pytest
import yaml
from harness import ROOT

from runner.lab.machines.lab_directory import LABS
from runner.lab.machines.ssh_access import Access
from runner.lab.machines.topology import DEFAULT, MACHINES, Topology

LIBRARY = ROOT / "inventories" / "lab"


@pytest.fixture
def access(tmp_path):
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: install openssh-client")
    access = Access(tmp_path, Topology(3))
    access.create()
    return access


def test_each_machine_has_a_key_of_its_own_which_is_known_by_its_address(access):
    lines = [line.split() for line in access.known_hosts.read_text().splitlines()]

    assert [address for address, _, _ in lines] == [access.topology.address(each) for each in MACHINES.values()]
    assert len({key for _, _, key in lines} | {access.public_key().split()[1]}) == 1 + len(MACHINES)
    assert {kind for _, kind, _ in lines} == {"ssh-ed25519"}


def test_no_key_can_be_read_by_others(access):
    keys = [access.client_key, *map(access.host_key, MACHINES.values())]

    assert {path.stat().st_mode & 0o077 for path in keys} == {0}


def test_its_inventory_leads_to_its_machines_with_its_keys(access):
    written = yaml.safe_load(access.inventory.read_text())

    db1 = written["all"]["children"]["db_primary"]["hosts"]["db1"]
    assert db1 == {
        "ansible_host": "10.77.3.11",
        "ansible_ssh_private_key_file": str(access.client_key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={access.known_hosts} -o GlobalKnownHostsFile=/dev/null "
        "-o IdentitiesOnly=yes -o StrictHostKeyChecking=yes",
        "prometheus_url": "http://10.77.3.21:9090",
    }


def test_the_inventory_in_the_library_leads_to_the_first_lab():
    first = Access(LABS.path / DEFAULT, Topology(0)).hosts()["all"]["children"]
    variables = yaml.safe_load((LIBRARY / "group_vars/all.yml").read_text())
    login = ("ansible_ssh_private_key_file", "ansible_ssh_common_args", "prometheus_url")

    groups = yaml.safe_load((LIBRARY / "hosts.yml").read_text())["all"]["children"]
    read = {
        group: {
            "hosts": {name: host | {key: variables[key] for key in login} for name, host in content["hosts"].items()}
        }
        for group, content in groups.items()
    }

    assert read == first


def test_a_session_accepts_no_other_key_and_offers_no_other(access):
    command = access.ssh(MACHINES["edge"])

    assert command[:3] == ["ssh", "-i", str(access.client_key)]
    assert command[-1] == "ops@10.77.3.21"
    assert {"StrictHostKeyChecking=yes", "IdentitiesOnly=yes"} < set(command)
