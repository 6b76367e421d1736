"""The description of a question: its hash is of all that decides what a yes does, and its changes are told in words."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from harness.votes import context

from runner.approvals.gate_context import GateContext, HostAction, describe

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


def test_all_that_decides_is_there():
    hosts = {
        "db1": HostAction("10.0.0.1:22", {"ansible_host": "10.0.0.1", "ansible_user": "ops"}, "rm -r /old\nenv A=1"),
        "db2": HostAction("db2:22", {}, "rm -r /old\nenv A=1", captured={"pids": list(range(3439, 3533))}),
        "db3": HostAction("db3", {}, "ls", missing=("'job' is undefined",)),
    }
    asked = context(
        hosts=hosts,
        why="There is\ntoo little space",
        effect="destructive",
        crossing=True,
        reason="Disk full",
        verifications=("It is gone [exit: 0]",),
        group="dba",
        members=("bob", "carol"),
        four_eyes=True,
        min=2,
    )

    assert describe(asked, until=datetime(2026, 1, 1, 1, tzinfo=UTC)) == [
        ("run", f"{asked.run} of RUN-001 A trial"),
        ("in", "staging: Disk full"),
        ("by", "alice"),
        ("on", "db1 (10.0.0.1:22, user=ops), db2 (db2:22)"),
        ("does", "rm -r /old"),
        ("", "env A=1"),
        ("on", "db3"),
        ("does", "ls"),
        ("uses", "db2: 94 pids: 3439, 3440, 3441 ... 3532"),
        ("input", "count = 1"),
        ("step", "Remove them (act)"),
        ("why", "There is"),
        ("", "too little space"),
        ("effect", "destructive"),
        ("WARNING", "nothing undoes this step"),
        ("check", "It is gone [exit: 0]"),
        ("approve", "Go?"),
        ("answers", "2 different people of dba (bob, carol), not alice, within 1m (until 2026-01-01 01:00:00 UTC)"),
        ("LACKS", "db3: 'job' is undefined"),
        ("subject", asked.subject[:12]),
    ]


def test_manual_work_of_several_lines_is_whole():
    asked = context(kind="manual", text="Walk there\nand press the button", expires=None)

    assert describe(asked)[-4:-2] == [("manual", "Walk there"), ("", "and press the button")]


def test_the_machine_that_does_it_for_a_host_is_named_with_its_address():
    asked = context(hosts={"web1": HostAction("10.0.0.9:22", {"ansible_user": "ops"}, "drain web1", on="lb1")})

    assert ("on", "lb1, for web1 (10.0.0.9:22, user=ops)") in describe(asked)
