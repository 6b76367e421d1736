"""A step that another runbook does makes no call on a host by itself."""

from __future__ import annotations

from datetime import timedelta

from runner.kinds.steps.run_step import RunStep
from runner.kinds.values import OtherRunbook


def no_file(name):
    raise AssertionError(name)


def test_it_says_which_runbook_does_it_and_with_what():
    step = RunStep(run="RUN-032", inputs={"lag": 5, "host": "{{ primary }}"})

    assert step.describe() == "RUN-032 with lag=5, host={{ primary }}"
    assert RunStep(run="RUN-032").describe() == "RUN-032"
    assert step.runs == OtherRunbook(run="RUN-032", inputs={"lag": 5, "host": "{{ primary }}"})
    assert step.runs.references() == {"host": "primary"}


def test_it_makes_no_call_on_a_host():
    step = RunStep(run="RUN-032")

    assert (step.call(timedelta(seconds=1), no_file), step.programs(no_file), step.destroys(no_file)) == (None, [], "")
