"""What a kind of verification promises when it says nothing about itself."""

from __future__ import annotations

import pytest

from runner.kinds.verifications.base import VerificationKind


def test_a_kind_that_says_nothing_about_itself(short):
    class Colour(VerificationKind):
        key = "colour"
        colour: str

    kind = Colour(colour="green")
    assert (kind.probe(short), kind.conditions("stdout"), kind.good_exits, kind.held()) == (None, (), (), None)
    assert kind.describe() == "colour: green"
    with pytest.raises(ValueError, match="^colour alone says nothing about what is good; add `that`$"):
        kind.default_conditions()
