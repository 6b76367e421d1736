"""The description of a question: its hash is of all that decides what a yes does, and its changes are told in words."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from harness.votes import context

from runner.approvals.gate_context import GateContext, HostAction

HERE = HostAction(
    "10.0.0.1:22",
    connection={"ansible_user": "deploy"},
    text="rm -r /old",
    call={"module": "command", "args": {"argv": ["rm"]}, "environment": {"ROOT": "/a"}, "become": {"user": "app"}},
    captured={"job": 7},
)
ASKED = context(hosts={"db1": HERE})


def on_host(**changes):
    return replace(ASKED, hosts={"db1": replace(HERE, **changes)})


CHANGED = {
    str: "another",
    bool: True,
    int: 99,
    float: 99.0,
    tuple: ("another",),
    dict: {"another": HERE},
}


@pytest.mark.parametrize("name", [each.name for each in fields(GateContext) if each.name != "starters"])
def test_no_part_of_it_is_left_out_of_the_hash(name):
    now = replace(ASKED, **{name: CHANGED[type(getattr(ASKED, name))]})

    assert now.subject != ASKED.subject


@pytest.mark.parametrize("name", [each.name for each in fields(HostAction)])
def test_no_part_of_what_is_done_on_a_host_is_left_out_of_it(name):
    value = CHANGED[type(getattr(HERE, name))]

    assert on_host(**{name: {"another": 1} if isinstance(value, dict) else value}).subject != ASKED.subject


def test_who_goes_on_with_the_run_changes_nothing_of_what_it_will_do():
    now = replace(ASKED, starters=("alice", "bob"))

    assert now.subject == ASKED.subject


def test_it_is_read_as_it_was_written():
    assert GateContext.read(json.loads(json.dumps(ASKED.data()))) == ASKED
    assert ASKED.data()["subject"] == ASKED.subject


@pytest.mark.parametrize("data", [{}, [], None, {"hosts": 1}])
def test_what_is_no_description(data):
    with pytest.raises(ValueError, match="is not the description of a question"):
        GateContext.read(data)
