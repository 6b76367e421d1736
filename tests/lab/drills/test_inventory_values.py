"""Variables are filled in as far as they go, and a condition that cannot be judged does not hold."""

from __future__ import annotations

import pytest

from runner.core.errors import InvalidInputError
from runner.lab.drills.inventory_values import HostValues, holds

HOST = HostValues(
    "app1", {"address": "10.0.0.1", "url": "http://{{ address }}:{{ port }}", "port": 8080, "all": {"u": "{{ url }}"}}
)


def test_a_variable_may_be_made_of_others():
    assert HOST.filled(["{{ url }}/health", "{{ port }}", {"x": "{{ all }}"}]) == [
        "http://10.0.0.1:8080/health",
        8080,
        {"x": {"u": "http://10.0.0.1:8080"}},
    ]


def test_one_that_is_missing_is_a_fault_unless_something_stands_for_it():
    assert HOST.filled("{{ nothing }}", missing="") == ""
    with pytest.raises(InvalidInputError, match=r"app1: \{\{ nothing \}\} cannot be filled in: 'nothing' is undefined"):
        HOST.filled("{{ nothing }}")


def test_a_value_that_is_encrypted_by_itself_is_a_fault_that_says_what_to_do():
    host = HostValues("app1", {"secret": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n6162"}})

    assert host.filled({"PGPASSWORD": "{{ secret }}"}, missing="") == {"PGPASSWORD": ""}
    with pytest.raises(InvalidInputError, match="app1: a value is encrypted by itself") as caught:
        host.filled({"PGPASSWORD": "{{ secret }}"})
    assert "that ansible-vault encrypts as a whole" in caught.value.hint


def test_of_two_variables_for_one_thing_the_connection_has_the_one_that_ansible_takes():
    both = {"ansible_ssh_host": "10.0.0.2", "ansible_host": "10.0.0.1", "ansible_port": 22, "ansible_ssh_port": 23}

    assert HostValues("app1", {**both, "ansible_ssh_common_args": "{{ nothing }}"}).connection == {
        "address": "10.0.0.2",
        "port": 23,
        "ssh_common_args": "",
    }
    with pytest.raises(InvalidInputError, match=r"app1: \{\{ nothing \}\} cannot be filled in"):
        assert HostValues("app1", {"ansible_host": "{{ nothing }}"}).connection


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("status == 503", True),
        ("json.error is search('connections$', multiline=true)", True),
        ("json.error is match('connections')", False),
        ("'many' in json.error", True),
        ("nothing > 1", False),
        ("json.error > 1", False),
        ("rows | length > 0", False),
    ],
)
def test_a_condition_holds_or_does_not(condition, expected):
    assert holds(condition, {"status": 503, "json": {"error": "too many connections"}}) is expected
