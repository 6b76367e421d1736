"""Which machine a name of an inventory leads to, by what ssh, the name server and the machine itself say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.ssh_lab import environ

from runner.lab.drills.host_identity import HostIdentity, IdentityMark, asked, resolved
from runner.lab.drills.plain_ansible import Inventory
from runner.lab.postgres import Postgres

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIIDmzCwMYBbcpSvlHLyZSRkAR4xEUrYXHp5PwPdPEWZW"


def identity(tmp_path, **variables):
    (tmp_path / "known_hosts").write_text(f"10.1.2.3 ssh-ed25519 {KEY}\n")
    (tmp_path / "config").write_text(
        f"UserKnownHostsFile {tmp_path}/known_hosts\nGlobalKnownHostsFile none\n"
        "Host shop-stage\n  HostName 10.1.2.3\nHost inner\n  HostName 10.9.9.9\n  ProxyJump ops@10.1.2.3:2222\n"
        "Host piped\n  ProxyCommand nc 10.1.2.3 %p\n"
    )
    common = {"ansible_ssh_common_args": f"-F {tmp_path}/config"}
    (found,) = resolved(Inventory({"app": ["app1"]}, {"app1": {**common, **variables}}), environ())
    return found


def test_an_alias_of_ssh_is_the_machine_that_it_leads_to(tmp_path):
    found = identity(tmp_path, ansible_host="{{ name }}", name="shop-stage")

    assert found.addresses == {"10.1.2.3"}
    assert [mark for mark, _ in found.marks if mark is IdentityMark.HOST_KEY] == [IdentityMark.HOST_KEY]


def test_it_is_known_through_which_machines_a_connection_goes(tmp_path):
    jump, pipe = identity(tmp_path, ansible_host="inner"), identity(tmp_path, ansible_host="piped")

    assert jump.through == {"ops@[10.1.2.3]:2222": {"10.1.2.3"}}
    assert "10.1.2.3" in {address for at in pipe.through.values() for address in at}


def test_a_port_tells_machines_apart_on_this_one_alone(tmp_path):
    assert identity(tmp_path, ansible_host="127.0.77.1", ansible_port=2201).addresses == {"127.0.77.1:2201"}
    assert identity(tmp_path, ansible_host="10.1.2.4", ansible_port=2201).addresses == {"10.1.2.4"}
    assert identity(tmp_path, ansible_connection="local").addresses == {"this machine"}


def test_what_the_inventory_says_of_a_cloud_and_of_a_database(tmp_path):
    found = identity(tmp_path, ansible_host="10.1.2.4", instance_id="i-0a", runbook_sql={"PGHOST": "10.1.2.5"})

    assert (found.database, (IdentityMark.INSTANCE, "i-0a") in found.marks) == ({"10.1.2.5"}, True)


def here(**variables):
    return Inventory({}, {"here": {"ansible_connection": "local", **variables}})


def test_a_machine_says_who_it_is(tmp_path):
    (found,) = asked([HostIdentity("here")], here(), tmp_path)

    file = Path("/etc/machine-id")
    own = file.read_text().strip() if file.exists() else ""
    assert found.unknown == ""
    assert [value for mark, value in found.marks if mark is IdentityMark.MACHINE] == ([own] if own else [])


def test_one_that_does_not_answer_is_not_known(directory):
    nowhere = Inventory({}, {"far": {"ansible_host": "127.0.77.99", "ansible_port": 1}})

    (found,) = asked([HostIdentity("far")], nowhere, directory)

    assert "127.0.77.99" in found.unknown


@pytest.mark.live
def test_a_database_says_which_it_is(directory, wheel):
    with Postgres.running(directory / "postgres") as cluster:
        sql = {"runbook_psql": str(cluster.psql), "runbook_sql": cluster.environment("runbook")}
        twice = Inventory({}, {name: {"ansible_connection": "local", **json.loads(json.dumps(sql))} for name in "ab"})

        first, second = asked([HostIdentity("a"), HostIdentity("b")], twice, directory)

    (identifier,) = [value for mark, value in first.marks if mark is IdentityMark.DATABASE]
    assert identifier.isdigit()
    assert (IdentityMark.DATABASE, identifier) in second.marks
