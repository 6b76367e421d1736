"""When somebody is called, and for what: by a clock that a test moves, to the second."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from runner.core.events import Instant
from runner.escalation.call_rules import (
    Cause,
    CausesDue,
    FailedStep,
    OpenQuestion,
    SoFar,
    Stop,
    decide,
    has_clock,
    holds,
)
from runner.model.escalation_policy import Escalation, Reason

NOON = Instant(datetime(2026, 1, 1, 12, tzinfo=UTC), 1000.0, "boot-1")
ACT, LOOK = FailedStep("act", "Act", "exit code 42"), FailedStep("look", "Look")


def after(seconds):
    return replace(NOON, wall=NOON.wall + timedelta(seconds=seconds), monotonic=NOON.monotonic + seconds)


def policy(*when):
    rules = [TypeAdapter(Reason).validate_python(rule) for rule in when]
    return Escalation(when=tuple(rules), contacts=("on-call",), provide=("timeline",))


def reasons(when, so_far, now=NOON):
    return [cause.reason for cause in decide(policy(*when), so_far, now).causes]


FULL, GONE = Stop("stopped", "the log is full"), Stop("unreachable", "no host answers")


@pytest.mark.parametrize(
    ("when", "so_far", "causes"),
    [
        (["step_failed"], SoFar(), []),
        (["step_failed"], SoFar(stop=FULL), ["the log is full"]),
        (["step_failed"], SoFar(failed=(ACT,)), ["step failed: Act: exit code 42"]),
        (["step_failed"], SoFar(failed=(LOOK,), stop=FULL), ["step failed: Look"]),
        (["step_failed"], SoFar(failed=(ACT, LOOK)), ["step failed: Act: exit code 42", "step failed: Look"]),
        ([{"declared": "x"}], SoFar(failed=(ACT,)), []),
        ([{"declared": "x"}], SoFar(declared="Too much"), ["declared: Too much"]),
        (["step_failed"], SoFar(declared="Too much", stop=FULL), ["declared: Too much"]),
        (["step_failed"], SoFar(declared="x", failed=(LOOK,)), ["declared: x", "step failed: Look"]),
        (["unreachable"], SoFar(failed=(ACT,), unreachable=("db1", "db2")), ["cannot reach db1, db2"]),
        (["unreachable"], SoFar(failed=(ACT,)), []),
        (["unreachable"], SoFar(stop=GONE), ["no host answers"]),
        (["step_failed"], SoFar(stop=GONE), ["no host answers"]),
        (["step_failed", "unreachable"], SoFar(failed=(LOOK,), unreachable=("db1",)), ["step failed: Look"]),
    ],
)
def test_how_a_run_stopped_calls(when, so_far, causes):
    assert reasons(when, so_far) == causes


@pytest.mark.parametrize(
    ("kind", "called_by"),
    [
        ("stopped", {"step_failed"}),
        ("unreachable", {"step_failed", "unreachable"}),
        ("abandoned", {"step_failed", "abandoned"}),
        ("no_answer", {"step_failed", "no_answer"}),
        ("denied", {"denied"}),  # who said no knows it
        ("refused", {"refused"}),  # somebody is there who reads why
    ],
)
def test_which_word_calls_for_which_end(kind, called_by):
    words = {"step_failed", "unreachable", "abandoned", "refused", "no_answer", "denied"}

    assert {word for word in words if reasons([word], SoFar(stop=Stop(kind, "so")))} == called_by


@pytest.mark.parametrize(
    ("word", "unattended", "called"),
    [("unreachable", False, True), ("refused", False, True), ("step_failed", False, True), ("denied", False, False)]
    + [(word, True, True) for word in ("unreachable", "refused", "denied")],
)
def test_a_run_that_is_refused_as_no_host_answers_is_both_refused_and_without_a_host(word, unattended, called):
    silent = SoFar(stop=replace(GONE, refused=True), unattended=unattended)

    assert reasons([word], silent) == (["no host answers"] if called else [])


def test_that_an_unattended_run_was_refused_calls_whatever_the_rules_say():
    so_far = SoFar(stop=Stop("refused", "another run holds db1"), unattended=True)

    assert reasons([{"declared": "x"}], so_far) == ["another run holds db1"]
    assert reasons([{"declared": "x"}], replace(so_far, stop=FULL)) == []


@given(limit=st.integers(1, 10**6), elapsed=st.integers(0, 2 * 10**6))
def test_a_run_that_is_not_resolved_calls_at_the_very_second_and_says_when_to_look_again(limit, elapsed):
    decision = decide(policy({"unresolved_for": f"{limit}s"}), SoFar(started=NOON), after(elapsed))

    if elapsed < limit:
        assert decision == CausesDue((), limit - elapsed)
    else:
        assert [cause.key for cause in decision.causes] == [f"unresolved_for:{limit}"]
        assert decision.next_in is None


def test_the_page_leaves_at_15_00_and_not_at_14_59_and_not_at_all_if_it_is_resolved_by_then():
    rules = policy({"unresolved_for": "15m"})

    assert decide(rules, SoFar(started=NOON), after(899)) == CausesDue((), 1.0)
    assert decide(rules, SoFar(started=NOON), after(900)).causes == (
        Cause("unresolved_for:900", "not resolved after 15m"),
    )
    assert decide(rules, SoFar(started=None), after(900)) == CausesDue((), None)


def test_a_cause_calls_once():
    first = decide(policy({"unresolved_for": "5m"}, {"unresolved_for": "10m"}), SoFar(started=NOON), after(300))
    called = frozenset(cause.key for cause in first.causes)

    again = decide(
        policy({"unresolved_for": "5m"}, {"unresolved_for": "10m"}), SoFar(started=NOON, called=called), after(300)
    )

    assert ([cause.reason for cause in first.causes], again) == (["not resolved after 5m"], CausesDue((), 300.0))


def test_a_clock_that_is_set_forward_calls_nobody_early():
    jumped = replace(after(60), wall=NOON.wall + timedelta(days=30))

    assert decide(policy({"unresolved_for": "15m"}), SoFar(started=NOON), jumped) == CausesDue((), 840.0)


def test_a_question_that_waits_too_long_calls_and_its_answer_stops_the_clock():
    rules, asked = policy({"no_answer": "10m"}), SoFar(started=NOON, question=OpenQuestion("act", after(60)))

    assert decide(rules, asked, after(659)) == CausesDue((), 1.0)
    assert reasons([{"no_answer": "10m"}], asked, after(660)) == ["nobody has answered for 10m: act"]
    assert decide(rules, replace(asked, question=None), after(660)) == CausesDue((), None)

    named = SoFar(started=NOON, question=OpenQuestion("act", after(60), "Restart the shop"))
    assert reasons([{"no_answer": "10m"}], named, after(660)) == ["nobody has answered for 10m: Restart the shop"]


@given(st.integers(1, 50), st.integers(0, 60))
def test_so_many_verifications_may_fail(limit, number):
    assert bool(reasons([{"verification_failed": limit}], SoFar(verifications_failed=number))) == (number >= limit)


@pytest.mark.parametrize(
    ("captured", "causes"),
    [
        ({}, []),
        ({"db1": {"error_rate": 2}}, []),
        ({"db1": {"error_rate": 2.5}}, ["error_rate > 2 on db1"]),
        ({"db1": {"error_rate": "2.5"}, "db2": {"error_rate": " 7 "}}, ["error_rate > 2 on db1, db2"]),
        ({"db1": {"error_rate": "many"}}, []),
        ({"db1": {"error_rate": None}}, []),
        ({"db1": {"other": 9}}, []),
    ],
)
def test_a_condition_on_captured_values(captured, causes):
    assert reasons([{"that": "error_rate > 2"}], SoFar(captured=captured)) == causes


def test_a_condition_compares_texts_as_texts():
    assert [holds("version == '1.10'", {"version": version}) for version in ("1.10", "1.1")] == [True, False]
    assert holds("rate > 2 and (size < 5 or state == 'bad')", {"rate": "3", "size": 9, "state": "bad"})


@pytest.mark.parametrize(
    ("when", "clock"),
    [
        (["step_failed", {"declared": "x"}, "no_answer"], False),
        ([{"unresolved_for": "1s"}], True),
        ([{"no_answer": "1s"}], True),
        ([{"that": "a > 1"}], True),
        ([{"verification_failed": 1}], True),
    ],
)
def test_what_may_call_while_the_run_goes_on(when, clock):
    assert has_clock(policy(*when)) is clock
