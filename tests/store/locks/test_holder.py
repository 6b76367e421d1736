"""Who holds a lock: the note that is written into its file is read back, and a person is told who it is."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.events import Instant
from runner.store.locks.holder import Blocked, Holder, blocked

SINCE = Instant(datetime(2026, 1, 1, tzinfo=UTC), 1000.0, "boot-1")
ALICE = Holder("run-1", "RUN-001", "alice", "bastion", 4711, SINCE)
NOW = replace(SINCE, wall=SINCE.wall + timedelta(days=30), monotonic=1075.9)
HOLDERS = st.builds(
    Holder,
    *[st.text()] * 4,
    pid=st.integers(0, 2**22),
    since=st.builds(
        Instant, st.datetimes(timezones=st.just(UTC)), st.floats(0, 1e9, allow_nan=False), st.text(max_size=9)
    ),
    tree=st.text(),
    step=st.text(),
)


@given(name=st.text(), holder=HOLDERS)
def test_a_note_is_one_line_that_is_read_as_it_was_written(name, holder):
    note = holder.note(name)

    assert (note.count("\n"), note[-1], Holder.read(note)) == (1, "\n", (name, holder))


@pytest.mark.parametrize("note", ["", "{", "[]", "null", "{}", '{"lock": 1}', "[" * 100_000])
def test_a_note_that_does_not_name_its_lock_is_nobodys(note):
    name, holder = Holder.read(note)

    assert (name in ("", "1"), holder) == (True, None)


@pytest.mark.parametrize(
    "changes", [{"pid": "x"}, {"since": None}, {"since": {"wall": "soon", "monotonic": 1, "boot_id": ""}}]
)
def test_of_a_note_that_was_changed_the_lock_is_known_all_the_same(changes):
    note = json.dumps({**json.loads(ALICE.note("host:db1")), **changes})

    assert Holder.read(note) == ("host:db1", None)


def test_the_age_does_not_follow_a_wall_clock_that_jumps_unless_the_machine_was_started_anew():
    again = replace(NOW, boot_id="boot-2")

    assert [ALICE.age(now) for now in (NOW, again)] == [timedelta(seconds=75.9), timedelta(days=30)]


def test_a_person_is_told_who_and_where_and_for_how_long():
    at, drills = replace(ALICE, step="drain"), replace(ALICE, run="", runbook="RUN-001, RUN-006")

    assert [each.sentence(NOW) for each in (ALICE, at, drills)] == [
        "alice on bastion (pid 4711): run run-1 of RUN-001, for 1m15s",
        "alice on bastion (pid 4711): run run-1 of RUN-001 at the step drain, for 1m15s",
        "alice on bastion (pid 4711): a drill of RUN-001, RUN-006, for 1m15s",
    ]


def test_locks_are_told_by_their_holders():
    bob = replace(ALICE, run="run-2", user="bob")

    found = blocked([("host:a", ALICE), ("host:b", bob), ("lock:deploy", ALICE), ("host:c", None)])

    assert found == [Blocked(("host:a", "lock:deploy"), ALICE), Blocked(("host:b",), bob), Blocked(("host:c",), None)]
    assert [each.sentence(NOW).partition(" by ")[0] for each in found] == [
        "host:a, lock:deploy are held",
        "host:b is held",
        "host:c is held",
    ]
    assert found[-1].sentence(NOW) == "host:c is held by a process that does not say who it is"


@pytest.mark.parametrize(
    ("process", "run", "tree", "expected"),
    [
        (os.getpid, "run-9", "run-1", True),
        (os.getppid, "run-9", "run-1", True),
        (os.getpid, "run-9", "", False),
        (os.getpid, "run-9", "run-8", False),
        (lambda: 2**22, "run-9", "run-1", False),
    ],
)
def test_a_run_of_the_same_tree_that_this_process_comes_from_is_a_relative(process, run, tree, expected):
    mine = Holder(run, "RUN-002", "alice", "bastion", os.getpid(), SINCE, tree=tree)

    assert replace(ALICE, pid=process()).is_relative(mine) is expected
