"""What has changed since people were asked is told in the few words that differ, and nothing is left out."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from harness.votes import context
from hypothesis import given
from hypothesis import strategies as st

from runner.approvals.gate_changes import differences
from runner.approvals.gate_context import GateContext, HostAction, canonical

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


def items(*texts, **others):
    """What is done for each item, as the callback plugin tells it, and in words."""
    call = {"items": [{"item": n, "args": {"argv": text.split()}} for n, text in enumerate(texts, 1)], **others}
    return on_host(call=call, text="\n".join(f"[{n}] {text}" for n, text in enumerate(texts, 1)))


def role(text, *, port=80, **others):
    tasks = [{"name": "Copy", "args": {"text": text}, "uses": {"port": port}}, {"name": "Start", "args": {}}]
    return on_host(
        call={"module": "role web", "tasks": tasks, **others}, text=f"role web\nCopy: {text}\nStart: service"
    )


def called(what):
    """What a runbook does that does the step."""
    inner = {"module": "command", "args": {"argv": ["echo"]}, "environment": {"WHAT": what}}
    return on_host(
        call={"module": "run RUN-2", "steps": {"act": inner}}, text=f"run RUN-2\nAct: echo\n  env WHAT={what}"
    )


LONG = "SELECT " + ", ".join(f"column_{number}" for number in range(60))


@pytest.mark.parametrize(
    ("before", "now", "sentences"),
    [
        (
            items("kill 7", "kill 8"),
            items("kill 7", "kill 9"),
            ["on db1 what is done was `[2] kill 8` and is now `[2] kill 9`"],
        ),
        (items("kill 7", "kill 8"), items("kill 8"), ["on db1 what is done has no longer `[1] kill 7`"]),
        (
            items("kill 8"),
            items("kill 7\n    env A=b", "kill 8"),
            ["on db1 what is done has besides now `[1] kill 7\n    env A=b`"],
        ),
        (called("a"), called("b"), ["on db1 the step act.environment.WHAT was `a` and is now `b`"]),
        (role("a"), role("b"), ["on db1 what is done was `Copy: a` and is now `Copy: b`"]),
        (role("a"), role("a", port=81), ["on db1 tasks[Copy] uses.port was `80` and is now `81`"]),
        (
            on_host(captured={"jobs": [{"pid": 7}, {"pid": 8}]}),
            on_host(captured={"jobs": [{"pid": 7}, {"pid": 9}]}),
            ["on db1 the captured value jobs[2].pid was `8` and is now `9`"],
        ),
        (
            on_host(text=f"{LONG} FROM a"),
            on_host(text=f"{LONG} FROM b"),
            [f"on db1 text was `...{LONG[-34:]} FROM a` and is now `...{LONG[-34:]} FROM b`"],
        ),
        (
            replace(ASKED, sources={"role file tasks/main.yml": "a" * 64}),
            replace(ASKED, sources={"role file tasks/main.yml": "b" * 64}),
            ["the role file tasks/main.yml was `aaaaaaaaaaaa` and is now `bbbbbbbbbbbb`"],
        ),
        (
            replace(ASKED, inputs={"count": 1}),
            replace(ASKED, inputs={"count": True}),
            ["the input count was `1` and is now `true`"],
        ),
    ],
)
def test_of_many_things_those_are_told_that_differ(before, now, sentences):
    assert differences(before, now) == sentences


def test_a_step_that_is_done_on_another_machine_is_named_after_that():
    before, now = on_host(on="lb1", call={"port": 1}), on_host(on="lb1", call={"port": 2})

    assert differences(before, now) == ["on lb1, for db1, port was `1` and is now `2`"]
    assert differences(on_host(on="lb1"), on_host(on="lb2")) == [
        "on db1 the machine that does it was `lb1` and is now `lb2`"
    ]


CHANGED = {str: "another", bool: True, int: 99, float: 99.0, tuple: ("another",), dict: {"another": HERE}}


@pytest.mark.parametrize("name", [each.name for each in fields(GateContext) if each.name != "starters"])
def test_no_part_changes_in_silence(name):
    assert differences(ASKED, replace(ASKED, **{name: CHANGED[type(getattr(ASKED, name))]}))


def test_who_goes_on_with_the_run_is_no_change():
    assert differences(ASKED, replace(ASKED, starters=("alice", "bob"))) == []


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
