"""Whatever a procedure is made of: killed at any instant, gone on with and taken back, each thing is done once.

`RUNBOOK_TEST_KILLS` says how many instants for each construct, `RUNBOOK_TEST_SEED` which ones.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest
from harness.engine import change, undoing
from harness.killed_runs import World

KILLS = int(os.environ.get("RUNBOOK_TEST_KILLS", "2"))
SEED = int(os.environ.get("RUNBOOK_TEST_SEED", "1"))
HOSTS = ("db1", "db2")
FIND = change("find", effect="read", command="ls", capture={"stuck": "stdout.splitlines()"}, verify=[{"exit": 0}])
ITEMS = [f"move[{number}]" for number in (1, 2, 3)]
TASKS = "- {name: First, ansible.builtin.command: touch /a}\n- {name: Second, ansible.builtin.command: touch /b}\n"
ONE, LAST = undoing("one"), change("last")
"""What is taken back, and what is not."""


class Construct(NamedTuple):
    """The steps of a run, and what is done by itself on each host, in order; the run has about so many `instants`."""

    steps: Sequence[Mapping[str, Any]]
    units: Sequence[str | tuple[str, str]]
    instants: int

    @property
    def names(self):
        return [unit if isinstance(unit, str) else unit[0] for unit in self.units]


MOVE = undoing("move", each="{{ stuck }}", command="mv {{ item }} /tmp", on_failure="stop")
MOVE["verify"] = [{"says": "It is gone", "command": "ls /{{ item }}"}]
DRAIN = undoing("drain", on="lb1", command="drain {{ step_host }}")
WAY = {
    "id": "way",
    "name": "Which way?",
    "decide": [
        {"if": {"command": "test -e /locked"}, "says": "Locked", "then": [undoing("first"), undoing("second")]},
        {"else": {"then": [undoing("other")]}},
    ],
}
CALL = {"id": "help", "name": "Help", "run": "RUN-002", "on_failure": "stop"}
CALL["verify"] = [{"says": "It has helped", "command": "ls /help"}]
ROLE = {key: value for key, value in undoing("web", effect="change").items() if key != "command"} | {"role": "web"}
CONSTRUCTS = {
    "each": Construct([FIND, ONE, MOVE, LAST], ["one", *ITEMS, "last"], 150),
    "on": Construct([ONE, DRAIN, undoing("two"), LAST], ["one", "drain", "two", "last"], 105),
    "decide": Construct([ONE, WAY, LAST], ["one", "first", "second", "last"], 170),
    "run": Construct([ONE, CALL, LAST], ["one", "third", "fourth", "last"], 120),
    "role": Construct([ONE, ROLE, LAST], ["one", ("web", "Second"), "last"], 85),
    "all of them": Construct(
        [FIND, DRAIN, MOVE, WAY, ROLE, CALL, LAST],
        ["drain", *ITEMS, "first", "second", ("web", "Second"), "third", "fourth", "last"],
        400,
    ),
}


@pytest.fixture
def construct(engine, other, request):
    """One of them, in a library with the role and the runbook that it takes."""
    other(undoing("third"), undoing("fourth"))
    role = engine.directory / "playbooks" / "roles" / "web" / "tasks" / "main.yml"
    role.parent.mkdir(parents=True)
    role.write_text(TASKS)
    engine.ansible.hosts = {"all": list(HOSTS)}
    engine.ansible.answers["other", "only_if"] = ("ok", {"ansible_facts": {"runbook_needs_other": False}})
    return CONSTRUCTS[request.param]


@pytest.mark.parametrize("seed", range(SEED, SEED + KILLS))
@pytest.mark.parametrize("construct", CONSTRUCTS, indirect=True)
def test_killed_at_any_instant_nothing_is_done_twice_nothing_is_lost_and_what_stands_is_named(engine, construct, seed):
    # Given
    steps, _, instants = construct
    pick, world = random.Random(seed), World(engine, *construct.units)
    # When it is killed, gone on with in every other case, and taken back
    ended, done = world.live_through(lambda: engine.run(*steps), pick, instants, goes_on=seed % 2)
    if ended is None:
        return
    # Then
    assert done == (dict.fromkeys(HOSTS, construct.names) if seed % 2 else {})
    backwards = [name for name in reversed(construct.names) if name != "last"]
    for host in HOSTS:
        assert max(Counter(world.forwards(host)).values(), default=1) == 1
        assert world.blindly(host) == []
        assert world.backwards(host) == [name for name in backwards if name in world.backwards(host)]
        assert {name for name, where in world.standing() if where == host} <= {"last"}
    named = [problem for problem in ended.problems if "Last is not undone on" in problem]
    assert all(host in "".join(named) for _, host in world.standing())
    assert engine.env.state.owed_undos.of(HOSTS) == []
