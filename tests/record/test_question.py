"""What votes come to: enough different people say yes in time, or it is a no."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import Clock
from hypothesis import given
from hypothesis import strategies as st
from votes import PEOPLE, question, vote

from runner.record.question import Question, Subject


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
        ({}, [vote("bob", subject="s2")], 0, "open"),
        ({"verdict": "withdrawn"}, [vote("bob")], 0, "withdrawn"),
    ],
)
def test_what_votes_come_to(changes, votes, seconds, verdict):
    assert question(**changes).judge(votes, after(seconds)) == verdict


@pytest.mark.parametrize(
    ("changes", "by", "votes", "why"),
    [
        ({}, "alice", [], ""),
        ({"four_eyes": True}, "alice", [], "alice started this run; somebody else has to approve it"),
        ({"four_eyes": True}, "bob", [], ""),
        ({"group": "dba", "members": ("carol", "dave")}, "bob", [], "bob is not of dba: carol, dave"),
        ({"min": 2}, "bob", [vote("bob")], "bob has approved this already; it takes 2 different people"),
        ({"min": 2}, "bob", [vote("alice")], ""),
    ],
)
def test_why_a_yes_does_not_count(changes, by, votes, why):
    assert question(**changes).objection(by, votes) == why


@pytest.mark.parametrize(
    ("changes", "votes", "needs"),
    [
        ({}, [], "1 person"),
        ({"min": 3, "group": "dba", "members": PEOPLE}, [vote("bob")], "2 people of dba"),
        ({"four_eyes": True, "starters": ("alice", "bob")}, [], "1 person, not alice or bob"),
    ],
)
def test_who_is_still_needed(changes, votes, needs):
    assert question(**changes).needs(votes) == needs


@given(
    votes=st.lists(st.builds(vote, st.sampled_from(PEOPLE), yes=st.booleans(), subject=st.sampled_from(["s1", "s2"]))),
    least=st.integers(1, 4),
    four_eyes=st.booleans(),
    members=st.none() | st.sets(st.sampled_from(PEOPLE), min_size=1),
    seconds=st.floats(0, 120),
)
def test_nothing_is_granted_but_by_enough_different_people_who_may_in_time(votes, least, four_eyes, members, seconds):
    group = {"group": "dba", "members": tuple(members)} if members else {}
    asked = question(min=least, four_eyes=four_eyes, **group)

    verdict = asked.judge(votes, after(seconds))

    may = (members or set(PEOPLE)) - ({"alice"} if four_eyes else set())
    said = {each.by for each in votes if each.yes and each.subject == "s1"} & may
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


SUBJECT = Subject("f00", "act", "act-approve-0", {"db1": "db1:22"}, {"db1": "rm -r /old"}, {"count": 1})


@pytest.mark.parametrize(
    "changes",
    [
        {"runbook": "f01"},
        {"step": "add"},
        {"hosts": {"db1": "db1:22", "db2": "db2:22"}},
        {"hosts": {"db2": "db1:22"}},
        {"hosts": {"db1": "db9:22"}},
        {"commands": {"db1": "rm -r /0ld"}},
        {"inputs": {"count": 2}},
        {"inputs": {"count": "1"}},
        {"inputs": {}},
    ],
)
def test_whatever_becomes_another_thing_is_another_subject(changes):
    assert replace(SUBJECT, **changes).sha256 != SUBJECT.sha256
    assert replace(SUBJECT).sha256 == SUBJECT.sha256
