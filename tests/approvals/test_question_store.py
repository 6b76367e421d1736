"""Questions and votes as files: whoever looks sees whole ones, each person counts once, and nothing is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.votes import PEOPLE, question, vote

from runner.approvals.question_store import Questions
from runner.core.errors import AuditError


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
