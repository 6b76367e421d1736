"""A clock that jumps keeps anything from being decided, until it is steady or somebody trusts it; a suspend is no jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runner.scheduling.clock_check import Clocks, check

BEGIN = datetime(2026, 12, 6, 2, 0, tzinfo=UTC)
HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)


class Machine:
    """A machine whose clocks one can move."""

    def __init__(self, *, is_set=True):
        self.off, self.passed, self.boot, self.is_set = timedelta(), timedelta(), "a", is_set
        self.since_boot, self.trust, self.last_decided = 0.0, None, None

    def look(self, after=timedelta(minutes=1)):
        self.passed += after
        self.since_boot += after.total_seconds()
        clocks = Clocks(BEGIN + self.passed + self.off, self.since_boot, self.boot, self.is_set)
        self.trust = check(self.trust, clocks, self.last_decided)
        if not self.trust.held:
            self.last_decided = clocks.wall
        return self.trust.held


@pytest.mark.parametrize("jump", [HOUR, DAY, YEAR, -HOUR, -DAY, -YEAR])
def test_a_jump_holds_everything_and_it_goes_on_when_the_clock_is_right_again(jump):
    machine = Machine()
    assert [machine.look() for _ in range(3)] == ["", "", ""]
    machine.off = jump
    assert machine.look().startswith("the clock was put ahead" if jump > timedelta() else "the clock was put back")
    machine.off = timedelta()
    held = [bool(machine.look()) for _ in range(13)]

    assert held == [True] * 10 + [False] * 3


def test_ten_steady_minutes_after_a_small_jump_are_enough():
    machine = Machine(is_set=False)
    machine.look()
    machine.off = HOUR

    assert [bool(machine.look()) for _ in range(12)] == [True] * 10 + [False] * 2


@pytest.mark.parametrize("is_set", [True, False])
def test_after_a_jump_of_a_year_that_stays_a_time_server_must_have_said_so(is_set):
    machine = Machine(is_set=is_set)
    machine.look()
    machine.off = YEAR
    held = [bool(machine.look()) for _ in range(100)]

    assert held[-1] is (not is_set)


def test_a_clock_that_stays_before_the_last_decision_is_never_believed():
    machine = Machine()
    machine.look()
    machine.off = -DAY

    assert all(machine.look() for _ in range(100))


def test_a_suspend_is_no_jump_and_nor_is_a_small_drift():
    machine = Machine()
    machine.look()
    assert machine.look(after=8 * HOUR) == ""
    machine.off = timedelta(seconds=4)
    assert machine.look() == ""


@pytest.mark.parametrize(
    ("off", "is_set", "held"),
    [
        (timedelta(), True, ""),
        (timedelta(), False, "the machine was started, and no time server has set its clock"),
        (YEAR, False, "the machine was started, and no time server has set its clock"),
        (-DAY, True, "the clock shows a time before the last decision"),
    ],
)
def test_a_machine_that_was_started_with_another_clock(off, is_set, held):
    machine = Machine()
    machine.look()
    machine.boot, machine.since_boot, machine.off, machine.is_set = "b", 0.0, off, is_set

    assert machine.look(after=HOUR) == held


def test_what_was_started_without_a_time_server_is_believed_after_ten_steady_minutes():
    machine = Machine(is_set=False)
    machine.look()
    machine.boot, machine.since_boot = "b", 0.0

    assert [bool(machine.look()) for _ in range(12)] == [True] * 10 + [False] * 2
