"""Questions and votes as files: whoever looks sees whole ones, each person counts once, and nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from harness.votes import PEOPLE, question, vote

from runner.approvals.gate_context import GateContext, HostAction
from runner.approvals.question import Question, Vote
from runner.approvals.question_store import Cast, Questions, cast_vote, is_given
from runner.core.errors import AuditError
from runner.core.events import Instant


@pytest.fixture
def questions(tmp_path):
    return Questions(tmp_path)


def test_questions_are_numbered_and_the_latest_is_what_is_asked(questions):
    assert questions.latest() is None

    first, second = questions.ask(question()), questions.ask(question(step="add"))

    assert (first, second) == (question(number=1), question(step="add", number=2))
    assert questions.latest() == second


def test_a_question_that_was_closed_stays_with_what_it_came_to(questions):
    asked = questions.ask(question())

    questions.close(asked, "granted")

    assert questions.latest() == question(number=1, verdict="granted")


def test_a_run_that_died_between_the_number_and_the_question_has_asked_nothing(questions, tmp_path):
    asked = questions.ask(question())
    (tmp_path / "questions" / "0002").mkdir()

    assert questions.latest() == asked
    assert questions.ask(question()).number == 3


def test_a_vote_counts_once_however_often_it_is_given(questions):
    asked = questions.ask(question())

    given = [questions.vote(asked, each) for each in (vote("bob"), vote("bob"), vote("bob", yes=False))]

    assert given == [True, False, True]
    assert questions.votes(asked) == [vote("bob"), vote("bob", yes=False)]


def test_votes_that_come_together_all_count(questions):
    asked = questions.ask(question())

    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda by: questions.vote(asked, vote(by)), PEOPLE * 8))

    assert given.count(True) == len(PEOPLE)
    assert {each.by for each in questions.votes(asked)} == set(PEOPLE)


def test_what_is_half_written_or_no_vote_does_not_count(questions, tmp_path):
    asked = questions.ask(question())
    questions.vote(asked, vote("bob"))
    where = tmp_path / "questions" / "0001"
    (where / "yes-0.json").write_text('{"by": ')
    (where / "yes-1.json").write_text('{"who": "eve"}')
    (where / ".yes-2.json.7").write_text("{}")

    assert questions.votes(asked) == [vote("bob")]


def test_a_vote_that_can_not_be_written_is_said(questions):
    with pytest.raises(AuditError, match="No such file"):
        questions.vote(question(number=7), vote("bob"))


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
