"""What votes come to: enough different people say yes in time, or it is a no."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.fakes import Clock
from harness.votes import PEOPLE, question, vote
from hypothesis import given
from hypothesis import strategies as st

from runner.approvals.gate_context import HostAction
from runner.approvals.question import Question

OTHER = question(text="Something else?")
"""A question that is not the one on which is voted."""


def votes_on(asked, votes):
    """The same votes, each on `asked` unless it is on something else."""
    return [each if each.subject == OTHER.subject else replace(each, subject=asked.subject) for each in votes]


def after(seconds):
    clock = Clock()
    clock.forward(seconds)
    return clock()


@pytest.mark.parametrize(
    ("changes", "votes", "seconds", "verdict"),
    [
        ({}, [], 0, "open"),
        ({}, [vote("alice")], 0, "granted"),
        ({}, [vote("alice")], 59.9, "granted"),
        ({}, [vote("alice")], 60, "expired"),
        ({"expires": None}, [vote("alice")], 1e9, "granted"),
        ({}, [vote("bob", yes=False)], 0, "denied"),
        ({"min": 2}, [vote("alice"), vote("bob"), vote("carol", yes=False)], 0, "denied"),
        ({"four_eyes": True}, [vote("alice")], 0, "open"),
        ({"four_eyes": True}, [vote("alice", yes=False)], 0, "denied"),
        ({"four_eyes": True}, [vote("bob")], 0, "granted"),
        ({"min": 2}, [vote("bob"), vote("bob")], 0, "open"),
        ({"min": 2}, [vote("bob"), vote("alice")], 0, "granted"),
        ({"group": "dba", "members": ("carol",)}, [vote("bob")], 0, "open"),
        ({"group": "dba", "members": ("carol",)}, [vote("carol")], 0, "granted"),
        ({}, [vote("bob", to=OTHER)], 0, "open"),
        ({"four_eyes": True}, [vote("bob", login="alice")], 0, "open"),
        ({"four_eyes": True, "shared_account": True}, [vote("bob", login="alice")], 0, "granted"),
        ({"min": 2}, [vote("bob", login="dave"), vote("carol", login="dave")], 0, "open"),
        ({"group": "dba", "members": ("carol",)}, [vote("carol", login="dave")], 0, "open"),
        ({"hosts": {"db1": HostAction("db1", missing=("'job' is undefined",))}}, [vote("bob")], 0, "open"),
        ({"verdict": "withdrawn"}, [vote("bob")], 0, "withdrawn"),
    ],
)
def test_what_votes_come_to(changes, votes, seconds, verdict):
    asked = question(**changes)

    assert asked.judge(votes_on(asked, votes), after(seconds)) == verdict


@pytest.mark.parametrize(
    ("changes", "by", "votes", "why"),
    [
        ({}, "alice", [], ""),
        ({"four_eyes": True}, "alice", [], "alice started this run; somebody else has to approve it"),
        (
            {"four_eyes": True, "starters": ("alice", "bob")},
            "bob",
            [],
            "bob resumed this run; somebody else has to approve it",
        ),
        ({"four_eyes": True}, "bob", [], ""),
        (
            {"hosts": {"db1": HostAction("db1", missing=("'job' is undefined",))}},
            "bob",
            [],
            "act cannot be approved, because it lacks db1: 'job' is undefined",
        ),
        ({"group": "dba", "members": ("carol", "dave")}, "bob", [], "bob is not of dba: carol, dave"),
        ({"min": 2}, "bob", [vote("bob")], "bob has approved this already; it takes 2 different people"),
        ({"min": 2}, "bob", [vote("alice")], ""),
    ],
)
def test_why_a_yes_does_not_count(changes, by, votes, why):
    asked = question(**changes)

    assert asked.objection(vote(by, to=asked), votes_on(asked, votes)) == why


def test_a_name_that_somebody_gives_is_nobody_elses():
    asked = question(four_eyes=True)

    assert asked.objection(vote("bob", login="alice", to=asked), []) == (
        "alice started this run; somebody else has to approve it (--as bob names nobody else: the inventory's "
        "runbook_policy does not say shared_account: true)"
    )
    assert question(four_eyes=True, shared_account=True).objection(vote("bob", login="alice"), []) == ""


@pytest.mark.parametrize(
    ("changes", "votes", "needs"),
    [
        ({}, [], "1 person"),
        ({"min": 3, "group": "dba", "members": PEOPLE}, [vote("bob")], "2 people of dba"),
        ({"four_eyes": True, "starters": ("alice", "bob")}, [], "1 person, not alice or bob"),
    ],
)
def test_who_is_still_needed(changes, votes, needs):
    asked = question(**changes)

    assert asked.needs(votes_on(asked, votes)) == needs


@given(
    votes=st.lists(st.builds(vote, st.sampled_from(PEOPLE), yes=st.booleans(), to=st.sampled_from([None, OTHER]))),
    least=st.integers(1, 4),
    four_eyes=st.booleans(),
    members=st.none() | st.sets(st.sampled_from(PEOPLE), min_size=1),
    seconds=st.floats(0, 120),
)
def test_nothing_is_granted_but_by_enough_different_people_who_may_in_time(votes, least, four_eyes, members, seconds):
    group = {"group": "dba", "members": tuple(members)} if members else {}
    asked = question(min=least, four_eyes=four_eyes, **group)

    votes = votes_on(asked, votes)

    verdict = asked.judge(votes, after(seconds))

    may = (members or set(PEOPLE)) - ({"alice"} if four_eyes else set())
    said = {each.by for each in votes if each.yes and each.subject == asked.subject} & may
    no = any(not each.yes for each in votes)
    expected = "expired" if seconds >= 60 else "denied" if no else "granted" if len(said) >= least else "open"
    assert verdict == expected
    assert asked.judge([*votes, *votes], after(seconds)) == verdict


def test_the_wall_clock_does_not_make_it_expire_or_last():
    now = after(59)

    assert question().left(replace(now, wall=now.wall + timedelta(hours=1))) == pytest.approx(1)
    assert question().left(replace(now, wall=now.wall - timedelta(hours=1))) == pytest.approx(1)


def test_a_question_that_was_written_is_the_same():
    asked = question(group="dba", members=("carol",), number=3, four_eyes=True)

    assert Question.read(asked.written()) == asked


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"asked": {}}', '{"asked": {"wall": "x"}}'])
def test_what_is_no_question(text):
    with pytest.raises(ValueError, match="is not a question|Expecting|Invalid isoformat"):
        Question.read(text)
