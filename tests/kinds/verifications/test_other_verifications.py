"""`confirm` asks a person, `hold_for` asks for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.kinds.verifications.base import VerificationKind
from runner.kinds.verifications.confirm import Confirm
from runner.kinds.verifications.hold_for import HoldFor


def test_a_person_confirms_in_one_line(refusals):
    kind = Confirm.model_validate({"confirm": "Users can log in"})
    assert (kind.human, kind.describe()) == (True, "Users can log in")
    assert refusals(Confirm, confirm="a\nb") == ["must be one line"]
    assert refusals(Confirm, confirm="{{ a }}") == [
        "is shown to people as it is written, so templates are not filled in here"
    ]


@pytest.mark.parametrize(
    ("written", "held"),
    [("5m", timedelta(minutes=5)), ("{{ watch_for }}", "watch_for"), ("{{watch_for}}", "watch_for")],
)
def test_something_holds_for_a_duration_or_as_long_as_an_input_says(written, held):
    kind = HoldFor.model_validate({"hold_for": written})
    assert (kind.held(), kind.describe(), kind.conditions(None)) == (held, "", ())


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("5 minutes", "'5 minutes' is not a duration; write a number and a unit, like 30s, 5m or 1h30m"),
        (5, "5 has no unit; write it like 30s, 5m or 1h30m"),
        ("0s", "must be longer than 0s"),
        ("{{ a }}s", "takes a duration or the name of one input, like {{ watch_for }}"),
        ("{{ a | int }}", "takes a duration or the name of one input, like {{ watch_for }}"),
    ],
)
def test_what_hold_for_refuses(written, sentence, refusals):
    assert refusals(HoldFor, hold_for=written) == [sentence]


def test_a_kind_that_says_nothing_about_itself(short):
    class Colour(VerificationKind):
        key = "colour"
        colour: str

    kind = Colour(colour="green")
    assert (kind.probe(short), kind.conditions("stdout"), kind.good_exits, kind.held()) == (None, (), (), None)
    assert kind.describe() == "colour: green"
    with pytest.raises(ValueError, match="^colour alone says nothing about what is good; add `that`$"):
        kind.default_conditions()
