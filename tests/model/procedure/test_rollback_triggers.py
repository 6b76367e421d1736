"""When a deployment is rolled back, and by which runbook."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from runner.kinds.values import OtherRunbook
from runner.model.procedure.rollback_triggers import Rollback, step_id


def test_the_least_that_an_entry_says():
    rollback = Rollback(trigger="It is bad")

    assert (rollback.every, rollback.auto, rollback.to) == (timedelta(seconds=30), False, None)
    assert step_id("DEP-006") == "trigger-dep-006"


def test_the_runbook_that_rolls_back_with_its_inputs():
    rollback = Rollback(trigger="It is bad", runbook="RUN-005", inputs={"version": "{{ previous }}"}, every="5s")

    assert rollback.to == OtherRunbook(run="RUN-005", inputs={"version": "{{ previous }}"})


@pytest.mark.parametrize("every", ["4s", "100ms"])
def test_a_look_costs_too_much_to_be_made_all_the_time(every):
    with pytest.raises(ValidationError, match="is less than 5s, and each look starts Ansible"):
        Rollback(trigger="It is bad", every=every)
