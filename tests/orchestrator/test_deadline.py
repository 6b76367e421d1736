"""A deadline is counted by a clock that nobody can set, and not while another run is at work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from harness.fakes import RUN_ID, Clock

from runner.core.errors import TimedOutError
from runner.orchestrator.deadline import Deadline


def test_without_one_there_is_always_time():
    deadline = Deadline(None, Clock(), run=RUN_ID)

    assert (deadline.left(), deadline.is_late) == (None, False)


def test_it_comes_nearer_by_the_monotonic_clock_alone():
    clock = Clock()
    deadline = Deadline(timedelta(seconds=60), clock, run=RUN_ID)

    clock.wall += timedelta(days=30)
    before = deadline.left()
    clock.forward(60)

    assert (before, deadline.is_late) == (60.0, True)
    with pytest.raises(TimedOutError, match="the deadline of the run has passed") as raised:
        deadline.left()
    assert f"runbook resume {RUN_ID}" in raised.value.hint


def test_it_stands_still_while_another_run_is_at_work():
    clock = Clock()
    deadline = Deadline(timedelta(seconds=60), clock, run=RUN_ID)
    clock.forward(10)

    with deadline.standstill():
        clock.forward(600)

    assert deadline.left() == 50.0
