"""The shape of a runbook: typed inputs, steps and the order in which they are done."""

from __future__ import annotations

import pytest
from fakes import runbook_file
from pydantic import ValidationError

from runner.definition.model import Escalation, Input
from runner.definition.read import read_runbook
from runner.definition.step import Effect, Step
from runner.definition.verification import Verification
from runner.steps.command import Command
from runner.steps.manual import Manual
from runner.verifications.confirm import Confirm
from runner.verifications.exit import Exit

CONFIRMED = Verification(says="Fine", kinds=(Confirm(confirm="Fine"),))
ZERO = Verification(says="Zero", kinds=(Exit(exit=0),))


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("string", "any thing", "any thing"),
        ("string", "", ""),
        ("int", "-5", -5),
        ("number", "0.5", 0.5),
        ("number", "5", 5.0),
        ("number", ".5e-3", 0.0005),
        ("bool", "true", True),
        ("bool", "no", False),
        ("bool", True, True),
        ("duration", "5m", "5m"),
    ],
)
def test_what_is_typed_on_the_command_line_has_the_type_of_its_input(type_, text, value):
    read = Input(type=type_, help="A").read(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("type_", "text", "sentence"),
    [
        ("int", "1.5", "'1.5' is not a whole number"),
        ("int", "1_000", "'1_000' is not a whole number"),
        ("int", "٣", "'٣' is not a whole number"),
        ("number", "nan", "'nan' is not a number"),
        ("number", "inf", "'inf' is not a number"),
        ("number", "1e999", "'1e999' is not a number"),
        ("bool", "1", "'1' is neither true nor false"),
        ("duration", "5", "'5' is not a duration; write a number and a unit, like 30s, 5m or 1h30m"),
    ],
)
def test_what_is_of_another_type_is_refused(type_, text, sentence):
    with pytest.raises(ValueError, match=".") as caught:
        Input(type=type_, help="A").read(text)
    assert str(caught.value) == sentence


def test_a_choice_is_one_of_its_choices():
    item = Input(type="choice", help="A", choices=("a", "b"), default="a")
    assert item.read("b") == "b"
    with pytest.raises(ValueError, match="^'c' is not one of a, b$"):
        item.read("c")


@pytest.mark.parametrize(
    ("type_", "default"),
    [("string", "a"), ("int", 5), ("number", 5), ("number", 0.5), ("bool", False), ("duration", "5m")],
)
def test_a_default_has_the_type_that_it_is_the_default_of(type_, default):
    assert Input(type=type_, help="A", default=default).default == default


def test_verifications_are_numbered_whoever_makes_them():
    step = Step(id="a", name="A", action=Command(command="ls"), verify=(ZERO, CONFIRMED, ZERO))
    assert step.automated == ((1, ZERO), (3, ZERO))
    assert step.confirmations == ((2, CONFIRMED),)
    assert not step.manual


def test_a_manual_step_is_a_persons():
    assert Step(id="a", name="A", action=Manual(manual="Do it"), verify=(CONFIRMED,)).manual
    assert not Step(id="a", name="A", action=None, verify=(CONFIRMED,)).manual


def test_a_step_has_no_more_verifications_than_a_marker_can_count():
    with pytest.raises(ValidationError, match="at most 99"):
        Step(id="a", name="A", action=None, verify=(CONFIRMED,) * 100)


def test_prerequisites_come_first_and_hosts_are_the_runbooks_unless_a_step_narrows_them(tmp_path):
    look = {"id": "look", "name": "Look", "command": "ls", "verify": [{"exit": 0}]}
    runbook = read_runbook(
        runbook_file(
            tmp_path, hosts="app", prerequisites=[{"confirm": "Fine"}], steps=[look, {**look, "id": "b", "hosts": "db"}]
        )
    )
    assert [step.id for step in runbook.procedure] == ["prerequisite-1", "look", "b"]
    assert [runbook.hosts_of(step) for step in runbook.procedure] == ["app", "app", "db"]
    assert runbook.procedure[0].effect is Effect.READ


def test_a_policy_can_be_made_of_its_parts():
    written = {
        "when": ["step_failed", {"declared": "a"}, {"unresolved_for": "5m"}],
        "contacts": ["a"],
        "provide": ["b"],
    }
    policy = Escalation.model_validate(written)
    assert Escalation(when=policy.when, contacts=("a",), provide=("b",)) == policy
