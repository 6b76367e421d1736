"""`manual`: what a person does."""

from __future__ import annotations

import pytest

from runner.kinds.steps.manual_step import ManualStep


def test_a_person_is_told_what_to_do(minute, no_file):
    step = ManualStep.model_validate({"manual": "Look at it.\nThen decide.\n"})
    assert (step.human, step.text, step.describe()) == (True, None, "Look at it.\nThen decide.")
    with pytest.raises(NotImplementedError):
        step.invocation(minute, no_file)


def test_what_it_refuses(refusals):
    assert refusals(ManualStep, manual="Deploy {{ version }}") == [
        "is shown to people as it is written, so templates are not filled in here"
    ]
    assert refusals(ManualStep, manual="") == ["is empty"]
