"""What is known of a schedule when it is looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.scheduler import Scheduler

from runner.services.schedules.circumstances import usual
from runner.store.run_state import RunState


@pytest.fixture
def scheduler(tmp_path):
    return Scheduler(tmp_path)


def test_how_long_a_run_usually_takes_is_the_slow_end_of_those_that_passed(scheduler):
    for number in range(30):
        begun = datetime(2026, 1, 1 + number // 2, number % 24, tzinfo=UTC)
        ended = begun + timedelta(seconds=100 + number)
        run = f"{begun:%Y%m%dT%H%M%SZ}-{number:08x}"
        state = RunState(run=run, runbook="RUN-020", title="T", started=begun.isoformat(), user="u", mode="auto")
        directory = scheduler.env.state.begin(state)
        directory.update(status="finished", outcome="passed", finished=ended.isoformat())
        directory.release()

    assert usual(scheduler.env.state) == {"RUN-020": timedelta(seconds=129)}
