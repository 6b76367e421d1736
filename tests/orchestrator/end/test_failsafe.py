"""Whatever an act raises is kept in words, the first of it as the error; what belongs to the end is tried twice."""

from __future__ import annotations

import pytest
from harness.fake_run import environment_in

from runner.core.errors import DefectError, ExecutionError
from runner.core.redaction import Redaction
from runner.orchestrator.end.failsafe import Failsafe
from runner.store.run_state import RunDirectory


@pytest.fixture
def env(tmp_path):
    return environment_in(tmp_path)


@pytest.fixture
def failsafe(env, tmp_path):
    return Failsafe(env, RunDirectory(tmp_path), Redaction(["hunter2!"]))


def fail(message):
    raise ExecutionError(message)


def test_the_first_error_counts_and_no_secret_is_in_it(failsafe):
    failsafe.attempt(lambda: fail("hunter2! is wrong"), lambda: fail("not done"))
    failsafe.attempt(lambda: fail("another"))

    assert failsafe.error.message == "*** is wrong"


def test_an_interrupt_asks_the_run_to_stop(failsafe, env):
    def interrupt():
        raise KeyboardInterrupt

    failsafe.attempt(interrupt)

    assert env.cancellation.requests == ["an interrupt"]


def test_a_defect_leaves_its_traceback_in_the_directory_of_the_run(failsafe, tmp_path):
    def defect():
        raise TypeError("hunter2! is not a number")

    failsafe.attempt(defect)

    assert isinstance(failsafe.error, DefectError)
    assert "TypeError: *** is not a number" in (tmp_path / "defect.txt").read_text()


def test_a_part_of_the_end_is_made_once_and_tried_twice(failsafe):
    calls = []

    def second_time():
        calls.append(1)
        if len(calls) == 1:
            fail("not yet")

    made = [failsafe._make("report", second_time, otherwise="no report") for _ in range(2)]
    lost = failsafe._make("state", lambda: fail("the disk is full"), otherwise="not saved")

    assert (made, len(calls), lost, failsafe.problems) == ([True, True], 2, False, ["not saved: the disk is full"])
