"""A port is open, closed or filtered, seen from the host or from another machine."""

from __future__ import annotations

import pytest

from runner.kinds.verifications.host.port_check import PortCheck


def port(**query):
    return PortCheck.model_validate({"port": query})


def test_the_address_is_that_of_the_host_as_who_looks_reaches_it(argv):
    assert argv(port(open=80))[1] == {"LOOK_ADDRESS": "127.0.0.1", "LOOK_PORT": "80", "LOOK_LIMIT": "4"}
    there = argv(port(open="{{ app_port }}", **{"from": "app"}))[1]
    assert there["LOOK_ADDRESS"] == "{{ hostvars[inventory_hostname].ansible_host | default(inventory_hostname) }}"
    assert there["LOOK_PORT"] == "{{ app_port }}"
    assert argv(port(open=80, address="shop.test", **{"from": "app"}))[1]["LOOK_ADDRESS"] == "shop.test"


@pytest.mark.parametrize("state", ["open", "closed", "filtered"])
def test_only_that_state_is_good(judge, state):
    kind = port(**{state: 80})

    assert [other for other in ("open", "closed", "filtered") if not judge(kind, stdout=f'{{"state": "{other}"}}')] == [
        state
    ]
    assert judge(kind, stdout="nonsense").startswith(f"facts.state == '{state}': ")
    assert judge(kind, rc=1).startswith("probe.rc")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({}, "needs one of `open`, `closed` and `filtered`, each with a port"),
        ({"open": 1, "closed": 2}, "needs one of `open`, `closed` and `filtered`, each with a port"),
    ],
)
def test_one_port_in_one_state_is_asked_for(refusals, query, complaint):
    assert refusals(PortCheck, port=query) == [complaint]


def test_a_port_is_a_number_that_there_is(refusals):
    assert "a port is a number from 1 to 65535, not 0" in refusals(PortCheck, port={"open": 0})


def test_it_is_said_in_words():
    assert port(open=80).describe() == "Port 80 is open"
    assert port(closed=80, address="db1", **{"from": "app"}).describe() == "Port 80 of db1 is closed, seen from app"
