"""A schedule says when work is due and what holds then; what can never be meant is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from runner.model.schedule import Schedule, outside, problem


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


def schedule(**keys):
    written = {"id": "nightly", "cron": "30 2 * * 0", "zone": "Europe/Berlin", "inventory": "inventories/local", **keys}
    return Schedule.model_validate({key: value for key, value in written.items() if value is not None})


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"id": "Nightly"}, "must be small letters and digits joined by -"),
        ({"every": "6h"}, "needs `cron` or `every`, and not both"),
        ({"cron": None}, "needs `cron` or `every`, and not both"),
        ({"cron": None, "every": "30s"}, "is less than a minute"),
        ({"zone": None}, "names an hour: write its zone, like Europe/Berlin, or UTC"),
        ({"inventory": None}, "Field required"),
        ({"window": "2:00-4:00"}, "must be two times of the day, like 22:00-04:00"),
        ({"window": "02:00-02:00"}, "must be two times of the day"),
        ({"finish": "by window end"}, "needs a `window`"),
        ({"finish": "soon"}, "must be `by window end`, or a duration like 90m"),
        ({"late_ok": "25h"}, "is more than a day"),
        ({"overlap": "wait"}, "must be skip, refuse, or wait and a duration, like wait 30m"),
        ({"if_missed": "run"}, "'skip', 'latest' or 'ask'"),
        ({"paused": {"by": "ops"}}, "Field required"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys, message):
    with pytest.raises(ValidationError) as caught:
        schedule(**keys)
    assert message in str(caught.value)


@pytest.mark.parametrize("keys", [{"cron": "*/5 * * * *", "zone": None}, {"cron": None, "zone": None, "every": "6h"}])
def test_what_names_no_hour_needs_no_zone(keys):
    assert schedule(**keys).tz.key == "UTC"


def test_all_keys_of_the_design_are_taken():
    found = schedule(
        limit="db_primary",
        inputs={"stuck_after": "10m"},
        reason="Weekly backup, CHG-1234",
        window="02:00-04:00",
        finish="by window end",
        late_ok="15m",
        if_missed="skip",
        overlap="wait 30m",
        jitter="10m",
        calendars=["freeze"],
        paused={"by": "ops", "why": "A move", "until": "2026-12-01"},
        on_missed=["on-call"],
    )
    assert (str(found.wait), found.paused.until.isoformat()) == ("0:30:00", "2026-12-01")
