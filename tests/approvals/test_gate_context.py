"""The description of a question: its hash is of all that decides what a yes does, and its changes are told in words."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from harness.votes import context
from hypothesis import given
from hypothesis import strategies as st

from runner.approvals.gate_context import GateContext, HostAction, canonical, differences

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


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (on_host(address="10.0.0.9:22"), "on db1 address was `10.0.0.1:22` and is now `10.0.0.9:22`"),
        (
            on_host(call={**HERE.call, "environment": {"ROOT": "/b"}}, text="rm -r /old\nenv ROOT=/b"),
            "on db1 environment ROOT was `/a` and is now `/b`",
        ),
        (
            on_host(call={**HERE.call, "environment": {}}),
            "on db1 environment ROOT was `/a` and is now not set",
        ),
        (on_host(call={**HERE.call, "become": {"user": "root"}}), "on db1 become user was `app` and is now `root`"),
        (
            on_host(call={**HERE.call, "args": {"argv": ["ls"]}}, text="ls"),
            "on db1 what is done was `rm -r /old` and is now `ls`",
        ),
        (
            on_host(call={**HERE.call, "args": {"argv": ["rm"], "chdir": "/x"}}),
            "on db1 args chdir was not set and is now `/x`",
        ),
        (on_host(captured={"job": 8}), "on db1 the captured value job was `7` and is now `8`"),
        (
            on_host(connection={"ansible_user": "root"}),
            "on db1 the setting ansible_user was `deploy` and is now `root`",
        ),
        (replace(ASKED, hosts={"db1": HERE, "db2": HERE}), "the host db2 is new"),
        (replace(ASKED, hosts={}), "the host db1 is gone"),
        (replace(ASKED, inputs={"count": 2}), "the input count was `1` and is now `2`"),
        (replace(ASKED, inputs={"count": "1"}), "the input count was `1` and is now `1`"),
        (replace(ASKED, sources={"runbook file X": "f0"}), "the runbook file X was not set and is now `f0`"),
        (replace(ASKED, min=2), "min was `1` and is now `2`"),
        (replace(ASKED, members=("bob",)), 'members was `[]` and is now `["bob"]`'),
    ],
)
def test_whatever_becomes_another_thing_is_another_subject_and_is_said(now, sentence):
    assert now.subject != ASKED.subject
    assert differences(ASKED, now) == [sentence]


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
    assert differences(ASKED, now)


@pytest.mark.parametrize("name", [each.name for each in fields(HostAction)])
def test_no_part_of_what_is_done_on_a_host_is_left_out_of_it(name):
    value = CHANGED[type(getattr(HERE, name))]

    assert on_host(**{name: {"another": 1} if isinstance(value, dict) else value}).subject != ASKED.subject


def test_who_goes_on_with_the_run_changes_nothing_of_what_it_will_do():
    now = replace(ASKED, starters=("alice", "bob"))

    assert (now.subject, differences(ASKED, now)) == (ASKED.subject, [])


def test_it_is_read_as_it_was_written():
    assert GateContext.read(json.loads(json.dumps(ASKED.data()))) == ASKED
    assert ASKED.data()["subject"] == ASKED.subject


@pytest.mark.parametrize("data", [{}, [], None, {"hosts": 1}])
def test_what_is_no_description(data):
    with pytest.raises(ValueError, match="is not the description of a question"):
        GateContext.read(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(before=st.dictionaries(st.text(max_size=4), JSON, max_size=3), now=st.dictionaries(st.text(max_size=4), JSON))
def test_two_subjects_are_the_same_where_nothing_differs_and_nowhere_else(before, now):
    one, other = on_host(call=before), on_host(call=now)

    assert (one.subject == other.subject) is (canonical(before) == canonical(now))
    assert bool(differences(one, other)) is (one.subject != other.subject)
