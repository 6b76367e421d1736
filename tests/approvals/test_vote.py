"""A vote is recorded before it counts, counts once, and is refused or too late by the same rules everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runner.approvals.gate_context import GateContext, HostAction
from runner.approvals.question import Question, Vote
from runner.approvals.question_store import Questions
from runner.approvals.vote import Cast, cast_vote, is_given
from runner.core.errors import AuditError
from runner.core.events import Instant

ASKED = Instant(datetime(2026, 1, 1, tzinfo=UTC), 100.0, "boot-1")


def after(seconds):
    return Instant(ASKED.wall + timedelta(seconds=seconds), ASKED.monotonic + seconds, ASKED.boot_id)


@pytest.fixture
def put(tmp_path):
    """Puts a question, and returns it with the store."""

    def put(**changes):
        context = GateContext(
            **{
                "run": "20260101T000000Z-0123abcd",
                "runbook": "RUN-001",
                "title": "T",
                "gate": "approve act",
                "kind": "approve",
                "step": "act",
                "name": "Act",
                "text": "Go?",
                "environment": "lab",
                "starters": ("alice",),
                "hosts": {"a": HostAction("a")},
                "min": 2,
                "four_eyes": True,
                "expires": 60.0,
                **changes,
            }
        )
        questions = Questions(tmp_path)
        return questions, questions.ask(Question(context, ASKED))

    return put


def vote_of(question, by, *, yes=True):
    return Vote(by, by, yes, question.subject, "2026-01-01T00:00:01+00:00")


def test_votes_count_until_nobody_is_missing(put):
    questions, question = put()
    recorded = []

    casts = [
        cast_vote(questions, question, vote_of(question, by), now=after(1), record=recorded.append)
        for by in ("bob", "carol")
    ]

    assert casts == [Cast("counted", "1 person, not alice"), Cast("counted")]
    assert [(each["by"], each["vote"], "refused" in each) for each in recorded] == [
        ("bob", "yes", False),
        ("carol", "yes", False),
    ]
    assert question.judge(questions.votes(question), after(1)) == "granted"


def test_one_no_is_enough(put):
    questions, question = put()

    cast = cast_vote(questions, question, vote_of(question, "alice", yes=False), now=after(1), record=lambda _: None)

    assert (cast, question.judge(questions.votes(question), after(1))) == (Cast("counted"), "denied")


def test_what_does_not_count_is_recorded_with_the_reason(put):
    questions, question = put()
    recorded = []

    cast = cast_vote(questions, question, vote_of(question, "alice"), now=after(1), record=recorded.append)

    assert (cast.outcome, cast.needs, questions.votes(question)) == ("refused", "2 people, not alice", [])
    assert recorded[0]["refused"] == cast.objection == "alice started this run; somebody else has to approve it"


def test_the_same_yes_again_is_refused_while_others_are_missing_and_fine_when_nobody_is(put):
    questions, question = put()
    cast = lambda by: cast_vote(questions, question, vote_of(question, by), now=after(1), record=lambda _: None)  # noqa: E731

    assert [cast(by).outcome for by in ("bob", "bob", "carol", "bob", "carol")] == [
        "counted",
        "refused",
        "counted",
        "counted",
        "counted",
    ]
    assert len(questions.votes(question)) == 2


def test_what_comes_too_late_is_neither_recorded_nor_counted(put):
    questions, question = put()
    recorded = []

    late = cast_vote(questions, question, vote_of(question, "bob"), now=after(61), record=recorded.append)
    questions.close(question, "denied")
    closed = cast_vote(questions, question, vote_of(question, "bob"), now=after(1), record=recorded.append)

    assert (late, closed, recorded, questions.votes(question)) == (Cast("expired"), Cast("closed"), [], [])


def test_what_cannot_be_recorded_does_not_count(put):
    questions, question = put()

    def record(_):
        raise AuditError("the disk is full")

    with pytest.raises(AuditError):
        cast_vote(questions, question, vote_of(question, "bob"), now=after(1), record=record)
    assert questions.votes(question) == []


def test_the_same_answer_is_one_of_the_same_person(put):
    _, question = put()
    vote = vote_of(question, "bob")

    assert is_given(vote, [vote_of(question, "carol"), vote_of(question, "bob")])
    assert not is_given(vote, [vote_of(question, "carol"), vote_of(question, "bob", yes=False)])
