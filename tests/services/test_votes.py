"""A vote counts by the same rules from wherever it comes: for what was seen, in time, once, and recorded before it counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness.fake_run import environment_in
from harness.fakes import RUN_ID
from harness.votes import question

from runner.approvals.question_store import Questions
from runner.core.errors import DeniedError, InvalidInputError
from runner.services.votes import cast_vote, pending, question_of
from runner.store.log.log_reader import read
from runner.store.run_state import RunState


@pytest.fixture
def env(tmp_path):
    return environment_in(tmp_path)


@pytest.fixture
def run(env):
    """A run that somebody is executing."""
    run = env.state.begin(RunState(run=RUN_ID, runbook="RUN-001", title="A trial", started="", user="alice"))
    yield run
    run.release()


@pytest.fixture
def asked(env, run):
    """What the run asks, of anybody; `asked(min=2)` changes that."""

    def ask(**changes):
        return Questions(run.path).ask(question(**changes))

    return ask


def records(env):
    return [(record.data["vote"], record.data.get("refused", "")) for record in read(env.state.log_path)]


def test_what_a_run_asks_is_pending_until_it_is_answered(env, run, asked):
    before = pending(env.state, env.clock())
    asked()
    waiting = pending(env.state, env.clock())

    cast = cast_vote(env, run, yes=True, subject=waiting[0].subject[:12], note="fine")

    assert (before, [each.run for each in waiting], cast.vote.who, cast.needs) == ([], [RUN_ID], "alice", "")
    assert (pending(env.state, env.clock()), records(env)) == ([], [("yes", "")])


def test_a_run_that_nobody_executes_asks_nobody(env, run, asked):
    asked()
    run.release()

    assert (question_of(run, env.clock()), pending(env.state, env.clock())) == (None, [])
    with pytest.raises(InvalidInputError, match="is not waiting for an approval"):
        cast_vote(env, run, yes=False)


@pytest.mark.parametrize(
    ("subject", "error", "message"),
    [
        ("", InvalidInputError, "--subject HASH is required"),
        ("abc", InvalidInputError, "give 6 or more characters"),
        ("0" * 64, DeniedError, "asks something else than"),
    ],
)
def test_a_yes_is_for_what_was_seen(env, run, asked, subject, error, message):
    asked()

    with pytest.raises(error, match=message):
        cast_vote(env, run, yes=True, subject=subject)

    assert not env.state.log_path.exists()


def test_a_no_needs_no_subject(env, run, asked):
    asked()

    assert (cast_vote(env, run, yes=False).vote.yes, records(env)) == (False, [("no", "")])


def test_two_people_are_two_people(env, run, asked):
    put = asked(min=2)

    first = cast_vote(env, run, yes=True, subject=put.subject)
    with pytest.raises(DeniedError, match="has approved this already"):
        cast_vote(env, run, yes=True, subject=put.subject, by="bob")
    bob = replace(env, actor=replace(env.actor, user="bob"))
    second = cast_vote(bob, run, yes=True, subject=put.subject)

    assert (first.needs, second.needs) == ("1 person", "")
    assert [vote for vote, _ in records(env)] == ["yes"] * 3
    assert [bool(refused) for _, refused in records(env)] == [False, True, False]


def test_after_its_time_it_is_too_late(env, run, asked):
    put = asked(expires=60.0)
    env.clock.forward(61)

    with pytest.raises(DeniedError, match="it is too late"):
        cast_vote(env, run, yes=True, subject=put.subject)


def test_the_same_answer_once_more_is_fine_when_nothing_is_asked_any_more(env, run, asked):
    put = asked()
    cast_vote(env, run, yes=True, subject=put.subject)
    Questions(run.path).close(put, "granted")

    again = cast_vote(env, run, yes=True)

    assert (again.already, again.step) == (True, put.step)
    with pytest.raises(InvalidInputError, match=f"not waiting for an approval: {put.step} was granted"):
        cast_vote(env, run, yes=False)


def test_a_name_is_a_login(env, run, asked):
    asked()

    with pytest.raises(InvalidInputError, match="must be a login name"):
        cast_vote(env, run, yes=False, by="Not A Login")
