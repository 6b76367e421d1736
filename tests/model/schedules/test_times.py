"""The times of a schedule are known from what is written, and what is wrong with them is said."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pytest

from runner.model.schedules.times import Times, outside, problem


@pytest.mark.parametrize(
    "cron",
    ["* * * * *", "0 4 29 2 *", "0 4 30 2 mon", "*/5 0-6 1,15 jan-mar sun", "59 23 31 12 7", "0 0 31 1-2 *", "@daily"],
)
def test_what_comes_has_no_problem(cron):
    assert problem(cron) == ""


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 4 30 2 *", "no such day in any of its months"),
        ("0 4 31 4,6 *", "no such day in any of its months"),
        ("0 4 * *", "has 4 fields; a cron expression has minute, hour, day of the month, month and weekday"),
        ("60 4 * * *", "no such minute: 0 to 59"),
        ("0 4 * * fri-mon", "no such weekday: 0 to 7, or sun to sat"),
        ("0 4 * * */0", "no such weekday: 0 to 7, or sun to sat"),
        ("0 4 * * * *", "has 6 fields; a cron expression has minute, hour, day of the month, month and weekday"),
        ("@nightly", "has 1 fields; a cron expression has minute, hour, day of the month, month and weekday"),
    ],
)
def test_what_never_comes_says_why(cron, said):
    assert problem(cron) == said


@pytest.mark.parametrize(
    ("cron", "window", "never"),
    [
        ("0 12 * * *", "22:00-04:00", True),
        ("@daily", "22:00-04:00", False),
        ("0 4 * * *", "22:00-04:00", True),
        ("59 3 * * *", "22:00-04:00", False),
        ("1 4 * * *", "22:00-04:00", True),
        ("0 */5 * * *", "04:30-05:30", False),
    ],
)
def test_a_time_outside_its_window_never_comes(cron, window, never):
    assert outside(cron, window) is never


@pytest.mark.parametrize(
    ("written", "times"),
    [
        ({"cron": "30 2 * * 0", "zone": "Europe/Berlin"}, Times("30 2 * * 0", None, "Europe/Berlin")),
        ({"every": "1h30m"}, Times(None, timedelta(minutes=90), None)),
    ],
)
def test_they_are_read_as_they_are_recorded(written, times):
    assert Times.of(written) == times
    assert times.fault == ""


@pytest.mark.parametrize("written", [{}, {"at": "02:30"}, {"every": "often"}])
def test_what_says_no_time_is_refused(written):
    with pytest.raises(ValueError, match=r"neither|'often' is not a duration"):
        Times.of(written)


@pytest.mark.parametrize(
    ("times", "fault"),
    [
        (Times("60 4 * * *", None, None), "'60 4 * * *' no such minute: 0 to 59"),
        (Times("30 2 * * *", None, "Europe/Berlim"), "no time zone is called 'Europe/Berlim'"),
        (Times("30 2 * * *", None, "../etc"), "no time zone is called '../etc'"),
    ],
)
def test_of_times_that_never_come_it_is_said_why(times, fault):
    assert times.fault == fault


@pytest.fixture
def basis_with(tmp_path):
    """The basis of times in a zone of which the rules are in a file with these bytes, for a process of its own."""
    program = "from runner.model.schedules.times import Times; print(Times('30 2 * * *', None, 'Our/Zone').basis)"
    file = tmp_path / "Our" / "Zone"
    file.parent.mkdir()

    def basis(rules):
        file.unlink(missing_ok=True)
        if rules:
            file.write_bytes(rules)
        environ = {"PYTHONTZPATH": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return basis


def test_other_rules_of_the_zone_are_another_basis(basis_with):
    first, second = basis_with(b"the rules of last year"), basis_with(b"the rules of this year, which are longer")

    assert first != second
    assert first.startswith("30 2 * * * Our/Zone ")


def test_where_the_rules_cannot_be_told_apart_there_is_no_basis(basis_with):
    assert basis_with(None) == ""
    assert Times(None, timedelta(hours=1), None).basis == ""
