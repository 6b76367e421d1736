"""Hosts without systemd have units all the same: they are started, seen, killed and stopped as a runbook does it."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from runner.lab.host_units import HostUnit, HostUnits
from runner.lab.lab_processes import LabCommand


@pytest.fixture
def host(tmp_path):
    """What a session on a host does: a program there, with its exit code and its output."""
    sleeps = LabCommand("sleep", [sys.executable, "-c", "print('awake', flush=True); input()"], tmp_path / "log")
    lasting = LabCommand("sleep", ["sleep", "600"], tmp_path / "log")
    made = SimpleNamespace(name="app1", programs=tmp_path / "bin", home=tmp_path, directory=tmp_path)
    with HostUnits.served(
        {"app1": {"shop": HostUnit(lasting), "short": HostUnit(sleeps)}}, {"app1": made}, tmp_path / "socket"
    ):

        def do(program, *words):
            done = subprocess.run([made.programs / program, *words], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr

        yield do


def facts(host, name):
    code, text = host("systemctl", "show", "--property=ActiveState,Result", "--", name)
    return code, dict(line.split("=", 1) for line in text.splitlines())


def test_a_unit_is_started_and_stopped(host):
    assert host("systemctl", "is-active", "shop") == (3, "inactive\n")
    assert host("systemctl", "restart", "shop.service") == (0, "")
    assert host("systemctl", "is-active", "shop") == (0, "active\n")
    assert facts(host, "shop") == (0, {"ActiveState": "active", "Result": "success"})
    assert host("systemctl", "stop", "shop") == (0, "")
    assert host("systemctl", "is-active", "shop") == (3, "inactive\n")


def test_one_that_is_killed_has_failed_until_it_is_started_again(host):
    host("systemctl", "start", "shop")

    assert host("systemctl", "kill", "--signal=SIGKILL", "shop") == (0, "")
    assert facts(host, "shop") == (0, {"ActiveState": "failed", "Result": "signal"})
    assert (host("systemctl", "start", "shop"), host("systemctl", "is-active", "shop")[0]) == ((0, ""), 0)


def test_one_that_hangs_is_active_and_can_be_restarted(host):
    host("systemctl", "start", "shop")
    _, before = host("systemctl", "show", "-p", "MainPID", "--value", "shop")
    host("systemctl", "kill", "--signal=SIGSTOP", "shop")

    assert host("systemctl", "is-active", "shop") == (0, "active\n")
    assert host("systemctl", "restart", "shop") == (0, "")
    assert host("systemctl", "show", "-p", "MainPID", "--value", "shop")[1] not in {before, "0\n"}


def test_what_is_not_there_is_not_found(host):
    assert host("systemctl", "start", "ghost") == (5, "Unit ghost.service not found.\n")
    assert host("systemctl", "show", "--property=LoadState", "--", "ghost") == (0, "LoadState=not-found\n")
    assert host("systemctl", "levitate", "shop") == (1, "Unknown command verb levitate.\n")


def test_sudo_is_whoever_asks(host):
    assert host("sudo", "-H", "-n", "-u", "root", "--", "echo", "-n", "a") == (0, "a")


def test_a_command_is_a_unit_of_its_own_with_the_environment_that_it_is_given(host, tmp_path):
    given = ["--property=Environment=CUSTOMER=a=b", "--unit=customers"]

    started = host("systemd-run", "--quiet", *given, "sh", "-c", 'echo "$CUSTOMER $HOME"; sleep 600')

    assert (started, host("systemctl", "is-active", "customers")) == ((0, ""), (0, "active\n"))
    said = ""
    while not said:
        _, said = host("journalctl", "--unit=customers")
    assert said == f"a=b {tmp_path}\n"
    assert (host("systemctl", "stop", "customers"), host("systemctl", "is-active", "customers")[0]) == ((0, ""), 3)
