"""A host that OpenSSH reaches is well, and its connection stays for Ansible; of any other it is not said what is wrong."""

from __future__ import annotations

import socket
import subprocess
import threading
from dataclasses import replace

import pytest
from harness import PATIENCE
from harness.bench import wait_until
from harness.ssh_lab import connections, script

from runner.core.process_stat import is_alive
from runner.executor.host_check import HostCheck
from runner.executor.ssh.host_look import look
from runner.executor.ssh.shared_connection import REACHED, SharedConnections


@pytest.fixture
def sockets():
    with connections() as directory:
        yield directory


@pytest.fixture
def check(lab, sockets):
    """What a host of the lab is found to be, with some of its variables changed."""

    def made(*, become=(), environ=None, **changes):
        with SharedConnections(sockets, {**lab.environ, **(environ or {})}) as shared:
            return shared.check(lab.facts(**changes), become=become)

    return made


def test_what_is_found_is_what_a_closer_look_finds_and_the_connection_stays(lab, check, sockets):
    assert check() == look(lab.facts(), become=(), environ=lab.environ)
    assert check(become=None) == HostCheck("one", REACHED)

    one = lab.up.hosts["one"]
    asked = ["ssh", "-O", "check", "-o", f"ControlPath={sockets / 'one'}", one.address]
    master = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (master.returncode, master.stderr[:16]) == (0, "Master running (")
    assert (one.directory / "sshd.log").read_text().count("Accepted ") > 0


def test_who_logs_in_is_found_where_only_ssh_knows(lab, sockets, tmp_path):
    (tmp_path / "config").write_text(f"User {lab.facts().user}\n")
    facts = replace(lab.facts(ssh_common_args=f"-F {tmp_path / 'config'} {lab.options()}"), user=None)

    with SharedConnections(sockets, lab.environ) as shared:
        found = shared.check(facts, become=())

    assert found == HostCheck("one", (*REACHED, f"python for {lab.facts().user}"))


def test_what_is_left_to_ansible_is_left(check):
    found = check(become=["postgres"], become_password=True)

    assert (found.passed, found.left) == (REACHED, "it becomes postgres with a password")


def test_a_host_of_which_something_is_left_to_ansible_is_reached_all_the_same(check):
    assert check(become=["postgres"], become_password=True, port=1) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"connection": "community.docker.docker"},
        {"port": "{{ nowhere }}"},
        {"ssh_executable": "/usr/bin/tsh"},
        {"shell_type": "powershell"},
        {"password": "given"},
        {"inline_key": True},
        {"ssh_args": "-C"},
        {"ssh_args": "-o ControlPersist=60s -o ControlPath=/tmp/elsewhere"},
        {"ssh_extra_args": "-o NoSuchOption=1"},
        {"ssh_extra_args": "-o 'no quote"},
        {"ssh_common_args": "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no"},
        {"port": 1},
        {"user": "nobody"},
        {"python": "/no/such/python"},
        {"become_exe": "/no/such/sudo"},
    ],
)
def test_where_something_is_wrong_or_ansible_goes_another_way_nothing_is_said(check, changes):
    assert check(become=["postgres"] if "become_exe" in changes else (), **changes) is None


def test_where_the_inventory_says_where_the_socket_is_none_is_made(lab, sockets):
    with SharedConnections(sockets, lab.environ) as shared:
        found = shared.check(replace(lab.facts(), socket=None), become=None)

    assert (found, [*sockets.iterdir()]) == (None, [])


def test_a_program_that_prints_what_looks_like_an_answer_has_not_connected(check, tmp_path):
    script(tmp_path / "ssh", "echo runbook-preflight-ok")

    assert check(ssh_executable=str(tmp_path / "ssh")) is None


def test_the_way_to_a_host_does_not_outlast_the_block_either(lab, sockets, tmp_path):
    way = script(
        tmp_path / "way", f"echo $$ > {tmp_path / 'new'}; mv {tmp_path / 'new'} {tmp_path / 'pid'}; exec sleep 600"
    )
    facts = lab.facts(ssh_common_args=f"-o ProxyCommand={way} {lab.options()}")
    with SharedConnections(sockets, lab.environ) as shared:
        thread = threading.Thread(target=lambda: shared.check(facts, become=()))
        thread.start()
        wait_until((tmp_path / "pid").exists, "the way is tried")
    thread.join(timeout=PATIENCE)

    wait_until(lambda: not is_alive(int((tmp_path / "pid").read_text())), "the way has ended")


def test_what_waits_for_a_host_does_not_outlast_the_block(lab, sockets):
    found = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        facts = lab.facts(address="127.0.0.1", port=silent.getsockname()[1], timeout=60)
        with SharedConnections(sockets, lab.environ) as shared:
            thread = threading.Thread(target=lambda: found.append(shared.check(facts, become=())))
            thread.start()
            connection, _ = silent.accept()
        with connection:
            thread.join(timeout=PATIENCE)

    assert (thread.is_alive(), found) == (False, [None])
    assert shared.check(facts, become=()) is None
