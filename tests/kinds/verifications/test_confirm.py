"""`confirm` asks a person."""

from __future__ import annotations

from runner.kinds.verifications.confirm import Confirm


def test_a_person_confirms_in_one_line(refusals):
    kind = Confirm.model_validate({"confirm": "Users can log in"})
    assert (kind.human, kind.describe()) == (True, "Users can log in")
    assert refusals(Confirm, confirm="a\nb") == ["must be one line"]
    assert refusals(Confirm, confirm="{{ a }}") == [
        "is shown to people as it is written, so templates are not filled in here"
    ]
