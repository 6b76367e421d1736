"""The way to a host is that of Ansible's own connection plugins, or the engine does not go it."""

from __future__ import annotations

import pytest
from harness.ansible_actions import action_by
from runbook_connection import NotKnownError, check, command_line, environment, is_answered, likeness, words
from runbook_host_python import HostPythonEndedError


def test_over_ssh_it_is_the_command_line_of_the_ssh_plugin():
    action = action_by("ssh", ansible_port=2222, ansible_user="operator")

    line = words(action, "python3")

    assert (line[0], line[-2:]) == ("ssh", ("db1.example", "python3"))
    assert {"Port=2222", 'User="operator"'} <= set(line)


def test_who_becomes_somebody_does_so_around_all_of_the_command():
    action = action_by("local", "sudo")

    line = command_line(action, "python3 -c 'print(1)'")

    assert line.startswith("/bin/sh -c 'sudo ")
    assert ("BECOME-SUCCESS" in line, "print(1)" in line, line.rstrip("'").endswith("sleep 0")) == (True, True, True)
    assert "exec_command" not in vars(action._connection)


def test_without_becoming_anybody_nothing_stands_around_it():
    action = action_by("local")

    assert command_line(action, "python3") == "/bin/sh -c 'python3 && sleep 0'"


def test_the_same_way_is_known_again_whatever_stands_in_it_at_random():
    action = action_by("local", "sudo")

    (line, way), (other_line, same_way) = [
        (made := command_line(action, "python3"), likeness(action, made)) for _ in "12"
    ]

    assert (line == other_line, way == same_way) == (False, True)


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("ssh", {"ansible_password": "canary"}, "with a password"),
        ("local", {"become": "sudo", "ansible_become_password": "canary"}, "with a password"),
        ("ssh", {"ansible_pipelining": False}, "without pipelining"),
        ("ssh", {"ansible_ssh_retries": 2}, "with connections that are tried again"),
        ("psrp", {}, "by the connection psrp"),
    ],
)
def test_what_is_not_known_for_certain_is_said(kind, options, reason):
    if kind == "psrp":
        action = action_by("local")
        action._connection.transport = kind
    else:
        action = action_by(kind, options.pop("become", ""), **options)

    with pytest.raises(NotKnownError, match=reason):
        check(action, "new", {})


def test_what_a_module_writes_to_another_syslog_goes_the_stock_way():
    with pytest.raises(NotKnownError, match="with another syslog facility"):
        check(action_by("local"), "new", {"_ansible_syslog_facility": "LOG_LOCAL0"})


def test_a_plain_way_is_known():
    for kind in ("local", "ssh"):
        check(action_by(kind), "new", {"_ansible_syslog_facility": "LOG_USER"})


@pytest.mark.parametrize("name", ["PATH", "PYTHONHOME", "LD_PRELOAD", "LC_ALL", "LANG", "OPENSSL_CONF"])
def test_a_variable_that_decides_how_a_python_starts_goes_the_stock_way(name):
    with pytest.raises(NotKnownError, match=f"with {name} in the environment"):
        environment(action_by("local", environment={"OTHER": "x", name: "y"}))


def test_other_variables_are_texts():
    assert environment(action_by("local", environment={"A": 1, "B": "two words"})) == {"A": "1", "B": "two words"}


@pytest.mark.parametrize(
    ("kind", "end", "answered"),
    [
        ("ssh", (255, "ssh: connect to host db1 port 22: Connection refused", False), True),
        ("ssh", (255, "mux_client_hello_exchange: write packet: Broken pipe", False), False),
        ("ssh", (127, "python3: not found", False), False),
        ("local", (255, "", False), False),
        ("local", (-9, "", True), True),
    ],
)
def test_whether_that_it_has_ended_is_an_answer(kind, end, answered):
    assert is_answered(action_by(kind), HostPythonEndedError(*end)) is answered
