"""How a host is reached is read as Ansible reads it; what cannot be understood is named, never guessed."""

from __future__ import annotations

import pytest

from runner.executor.inventory.connection_facts import ConnectionFacts


def test_a_host_of_which_nothing_is_said_is_reached_by_ssh():
    facts = ConnectionFacts.read("db1", {})

    assert facts == ConnectionFacts("db1", connection="ssh", host_key_checking=True, timeout=10, become_method="sudo")
    assert (facts.over_ssh, facts.local) == (True, False)


def test_values_have_the_types_that_ansible_gives_them():
    told = {"port": "2222", "become": "yes", "host_key_checking": "False", "user": 1000, "password": True}

    assert ConnectionFacts.read("db1", told) == ConnectionFacts(
        "db1", port=2222, become=True, host_key_checking=False, user="1000", password=True
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", "ssh"), ("port", 0), ("port", 65536), ("become", "perhaps"), ("address", "{{ nowhere }}")],
)
def test_what_can_not_be_understood_is_named(name, value):
    assert ConnectionFacts.read("db1", {name: value}) == ConnectionFacts("db1", strange=(name,))


@pytest.mark.parametrize(
    ("connection", "over_ssh", "local"),
    [
        ("ssh", True, False),
        ("ansible.builtin.ssh", True, False),
        ("smart", True, False),
        ("local", False, True),
        ("ansible.builtin.local", False, True),
        ("community.docker.docker", False, False),
    ],
)
def test_connections_have_short_names_and_long_ones(connection, over_ssh, local):
    facts = ConnectionFacts.read("db1", {"connection": connection})

    assert (facts.over_ssh, facts.local) == (over_ssh, local)


@pytest.mark.parametrize(
    ("written", "why"),
    [(True, "it is protected"), ("yes", "it is protected"), (False, ""), ("no", ""), ("{{ x }}", "{{ x }}")],
)
def test_only_a_clear_no_takes_the_protection_away(written, why):
    assert ConnectionFacts.read("db1", {"protected": written}).protected == why
