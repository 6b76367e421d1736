"""On this machine too a Python must run for whom the runbook needs it, and it is the one that Ansible takes."""

from __future__ import annotations

import os
import pwd
import sys

import pytest
from harness.ssh_lab import script

from runner.executor.host_check import HostCheck
from runner.executor.inventory.connection_facts import ConnectionFacts
from runner.executor.python_interpreter import check_here

ME = pwd.getpwuid(os.geteuid()).pw_name
WELL = (f"python for {ME}",)


def looked(become=(), path="/nowhere", **changes):
    facts = ConnectionFacts("here", connection="local", **changes)
    (found,) = check_here([facts], become={"here": become}, environ={"PATH": path})
    return found


def test_one_that_the_inventory_names_and_that_runs():
    assert looked(python=sys.executable) == HostCheck("here", WELL)


def test_one_that_is_not_there_is_named_with_its_host_and_what_to_write():
    found = looked(python="/no/such/python")

    assert found.problem.startswith(f"here (this machine): /no/such/python does not run there for {ME}: ")
    assert found.problem.endswith("not found")
    assert "ansible_python_interpreter in host_vars/here.yml, like /usr/bin/python3" in found.hint


def test_one_that_is_too_old_for_the_modules_of_ansible(tmp_path):
    old = script(tmp_path / "python2", "echo 'it is Python 2.7.18'")

    assert looked(python=str(old)).problem.endswith(f"{old} does not run there for {ME}: it is Python 2.7.18")


def test_the_first_that_is_there_counts_as_for_ansible(tmp_path):
    script(tmp_path / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; echo 'a long tip' >&2; exit 127")

    found = looked(pythons=("python3.14", "python3.13", sys.executable), path=str(tmp_path))

    assert (
        f"{tmp_path}/python3.13, which Ansible finds first, does not run there for {ME}: pyenv: python3.13: command"
        in found.problem
    )
    assert looked(pythons=("python3.14", sys.executable, "python3.13"), path=str(tmp_path)).passed == WELL


def test_another_user_is_become_as_ansible_does_it(tmp_path):
    sudo = script(tmp_path / "sudo", 'shift 5; exec "$@"')

    for user in ("app", "a b; false"):
        found = looked([user], python=sys.executable, become_exe=str(sudo))
        assert found.passed == (f"become {user}", f"python for {user}")
    assert looked(["app"], become_password=True).left == "it becomes app with a password"
    assert looked(["{{ who }}"]).left == "whom it becomes, {{ who }}, is only known when the step begins"
    assert looked([ME], python=sys.executable, become_exe="/no/such/sudo").passed == WELL


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user by su unasked")
def test_su_itself_is_tried_as_ansible_does_it():
    found = looked(
        ["nobody"], path=os.defpath, python="/usr/bin/python3", become_method="su", become_flags="-s /bin/sh"
    )

    assert found.passed == ("become nobody", "python for nobody"), found


def test_who_is_not_there_is_told_with_what_to_do():
    found = looked(["nobody-there"], path=os.defpath, python=sys.executable, become_method="ansible.builtin.su")

    assert f"{ME} cannot become nobody-there: su: user nobody-there does not exist" in found.problem
    assert found.hint == "create nobody-there there, or name another one as become_user"


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({}, "install sudo there, or set ansible_become_method: su, where root logs in"),
        ({"become_method": "su"}, "install su there"),
        ({"become_exe": "/no/such/sudo"}, "install sudo there, or set ansible_become_method: su, where root logs in"),
    ],
)
def test_a_program_that_is_not_there_is_told_with_what_to_do(changes, hint):
    found = looked(["app"], python=sys.executable, **changes)

    assert (f"{ME} cannot become app: " in found.problem, "not found" in found.problem, found.hint) == (
        True,
        True,
        hint,
    )


def test_where_no_machine_works_no_python_is_needed():
    facts = ConnectionFacts("here", connection="local", python="/no/such/python")

    assert check_here([facts], become={}, environ={}) == []


def test_hosts_that_are_the_same_are_asked_once(tmp_path):
    python = script(tmp_path / "python", f'echo x >> {tmp_path / "asked"}; exec {sys.executable} "$@"')
    hosts = [ConnectionFacts(name, connection="local", python=str(python)) for name in ("a", "b", "c")]

    found = check_here(hosts, become={"a": (), "b": (), "c": ()}, environ={})

    assert (found, (tmp_path / "asked").read_text()) == ([HostCheck(name, WELL) for name in "abc"], "x\n")


@pytest.mark.parametrize("python", ["{{ nowhere }}"])
def test_one_that_cannot_be_read_is_left_to_ansible(python):
    facts = ConnectionFacts.read("here", {"connection": "local", "python": python})

    (found,) = check_here([facts], become={"here": ()}, environ={})

    assert found.outcome == "not checked"
