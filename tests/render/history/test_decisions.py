"""Who was asked what, what they saw, and who answered."""

from __future__ import annotations

from datetime import timedelta

from harness.run_records import STARTED, records

from runner.core.events import EventType
from runner.render.history.decisions import Ballot, Decision, decisions

ASKED = {"kind": "approve", "text": "Go?", "hosts": ["one"], "part": "approve", "commands": {"one": "rm /x"}}


def test_a_question_with_its_votes_and_its_answer():
    vote = {"by": "bob", "login": "ops", "vote": "yes", "note": "looks right"}
    answer = {"outcome": "passed", "by": "bob", "note": "looks right"}
    made = records(
        (EventType.GATE_ASKED, "act", None, ASKED),
        (EventType.VOTE_GIVEN, "act", None, vote),
        (EventType.GATE_ANSWERED, "act", None, answer),
    )

    assert decisions(made) == (
        Decision(
            step="act",
            kind="approve",
            text="Go?",
            hosts=("one",),
            asked=STARTED + timedelta(seconds=1),
            context={"commands": {"one": "rm /x"}},
            outcome="passed",
            by="bob",
            note="looks right",
            votes=(Ballot("bob", "ops", "yes", "looks right"),),
        ),
    )


def test_one_that_nobody_answered_and_the_same_asked_again():
    made = records((EventType.GATE_ASKED, "act", None, ASKED), (EventType.GATE_ASKED, "act", None, ASKED))

    assert [(each.outcome, each.by) for each in decisions(made)] == [("", ""), ("", "")]


def test_an_answer_without_a_question_is_none():
    assert decisions(records((EventType.GATE_ANSWERED, "act", None, {"outcome": "passed"}))) == ()
