"""`hold_for` asks for a while."""

from __future__ import annotations

from datetime import timedelta

import pytest

from runner.kinds.verifications.hold_for import HoldFor


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
