"""Who is trained at a terminal sees as much as they have asked for, and looks for the runbook as at night."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from runner.cli.prompts.trainee_prompt import TraineePrompt
from runner.library.library import Library
from runner.services.drills.trainee import AlertText, StepToDo

STEP = StepToDo(2, 5, "Make room", ("app1",), ("Nothing can be written", "rm /srv/fill"))


@pytest.fixture
def typing():
    def do(text, act):
        with CliRunner().isolation(input=text) as (_, error, _):
            answer = act(TraineePrompt("alice", Library.shipped()))
            return answer, error.getvalue().decode()

    return do


def test_a_step_is_told_as_far_as_it_was_asked_for(typing):
    first, nothing = typing("h\n", lambda prompt: prompt.do(STEP, told=0, seconds=0))
    second, one = typing("d\n", lambda prompt: prompt.do(STEP, told=1, seconds=75))
    third, both = typing("h\ng\n", lambda prompt: prompt.do(STEP, told=2, seconds=75))

    assert (first, second, third) == ("hint", "done", "give up")
    assert "00:00    step 2 of 5: Make room  on app1" in nothing
    assert ("Nothing can be written" in nothing, "Nothing can be written" in one, "rm /srv/fill" in one) == (
        False,
        True,
        False,
    )
    assert ("01:15" in both, "rm /srv/fill" in both, "(h)int" in both) == (True, True, False)


def test_words_are_looked_up_and_an_id_is_the_answer(typing):
    alert = AlertText("MON-005", "The pool is nearly used up", "P1", ("db1",), "status 503")

    answer, seen = typing("connection pool\nrun-001\n", lambda prompt: prompt.find(alert))

    assert answer == "RUN-001"
    assert "alert    MON-005 The pool is nearly used up" in seen
    assert "RUN-001  Database connection pool exhaustion" in seen


@pytest.mark.parametrize(("typed", "answer"), [("done", "done"), ("Hint", "hint"), ("give up", "give up")])
def test_the_whole_word_is_an_answer_too(typing, typed, answer):
    assert typing(f"{typed}\n", lambda prompt: prompt.do(STEP, told=0, seconds=0))[0] == answer


def test_of_words_that_find_nothing_that_is_said(typing):
    alert = AlertText("", "The pool is nearly used up", "P1", ("db1",), "status 503")

    assert "nothing is found; try other words" in typing("xyzzyxyzzy\n\n", lambda prompt: prompt.find(alert))[1]


def test_nothing_is_giving_up(typing):
    alert = AlertText("", "The pool is nearly used up", "P1", ("db1",), "status 503")

    assert typing("\n", lambda prompt: prompt.find(alert))[0] == ""
