"""A step that is made of several constructs at once does, undoes and survives what each of them does by itself.

`RUNBOOK_TEST_COMBINATIONS` says how many of the 256 combinations, `RUNBOOK_TEST_SEED` which ones, and at what instants
their commands are killed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from itertools import combinations

import pytest
from harness.engine import NOBODY, change, undoing
from harness.killed_runs import World

PARTS = ("each", "on", "only_if", "decide", "run", "retry", "serial", "undo")
EVERY = [frozenset(some) for many in range(len(PARTS) + 1) for some in combinations(PARTS, many)]
SEED = int(os.environ.get("RUNBOOK_TEST_SEED", "1"))
SOME = random.Random(SEED).sample(EVERY, int(os.environ.get("RUNBOOK_TEST_COMBINATIONS", "6")))
HOSTS = ("db1", "db2")
ONE, LAST = undoing("one"), change("last")
FIND = change("find", effect="read", command="ls", capture={"stuck": "stdout.splitlines()"}, verify=[{"exit": 0}])
INSTANTS = 160
"""About as many as the longest of the runs has."""


def acts(parts):
    """The steps of which one has the `parts`, without a run of its own."""
    keys = {
        "each": {"each": "{{ stuck }}", "command": "mv {{ item }} /tmp"},
        "on": {"on": "lb1"},
        "only_if": {"only_if": "used > 90"},
        "retry": {"retry": 2},
    }
    chosen = {key: value for part in PARTS if part in parts for key, value in keys.get(part, {}).items()}
    step = (undoing if "undo" in parts else change)("act", **chosen)
    if "decide" not in parts:
        return [FIND, step]
    branches = [{"if": {"command": "test -e /locked"}, "says": "Locked", "then": [step]}]
    branches.append({"else": {"then": [undoing("other")]}})
    return [FIND, {"id": "way", "name": "Which way?", "decide": branches}]


def units(parts):
    """What is done by itself, and the part of it that is its first attempt."""
    names = [f"act[{number}]" for number in (1, 2, 3)] if "each" in parts else ["act"]
    return [(name, "attempt/1" if "retry" in parts else "action") for name in names]


def needed(host, parts):
    """Whether the condition of `only_if` is true there."""
    return host == "db1" or "only_if" not in parts


@pytest.fixture
def engine(engine, other, parts):
    engine.ansible.hosts = {"all": list(HOSTS)}
    engine.ansible.answers["other", "only_if"] = ("ok", {"ansible_facts": {"runbook_needs_other": False}})
    engine.ansible.answers["act", "only_if"] = lambda host: (
        "ok",
        {"ansible_facts": {"runbook_needs_act": needed(host, parts)}},
    )
    if "run" in parts:
        other(*acts(parts), escalation=NOBODY)
    return engine


@pytest.mark.parametrize("parts", SOME, ids=lambda parts: "+".join(part for part in PARTS if part in parts) or "none")
def test_killed_gone_on_with_and_taken_back_a_step_with_several_constructs_is_done_once(engine, parts):
    # Given
    calls = {"id": "help", "name": "Help", "run": "RUN-002", "on_failure": "stop"}
    steps = [ONE, *([calls] if "run" in parts else acts(parts)), LAST]
    changes = {"serial": 1} if "serial" in parts else {}
    pick, world = random.Random(f"{SEED} {sorted(parts)}"), World(engine, "one", *units(parts), "last")
    names = {host: [name for name, _ in units(parts)] if needed(host, parts) else [] for host in HOSTS}
    # When it is killed, gone on with and taken back
    ended, done = world.live_through(lambda: engine.run(*steps, **changes), pick, INSTANTS, goes_on=True)
    if ended is None:
        return
    # Then each thing was done once, where it was needed, in its order
    assert done == {host: ["one", *names[host], "last"] for host in HOSTS}
    # And what has an undo was taken back once, newest first, and the rest is named
    for host in HOSTS:
        undone = [*reversed(names[host] if "undo" in parts else []), "one"]
        assert (world.backwards(host), world.blindly(host)) == (undone, [])
        assert max(Counter(world.forwards(host)).values()) == 1
    stays = {"last", *(name for name, _ in units(parts) if "undo" not in parts)}
    assert {name for name, _ in world.standing()} == {name for name in stays if name in [*done["db1"], "last"]}
    assert any("Last is not undone on db1, db2" in problem for problem in ended.problems)
    assert engine.env.state.owed_undos.of(HOSTS) == []
