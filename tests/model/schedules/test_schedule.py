"""A schedule says when work is due and what holds then; what can never be meant is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from runner.model.schedules.schedule import Schedule, read_schedule

PAUSE = {"by": "ops", "why": "A move", "until": "2026-12-01"}


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
        paused=PAUSE,
        on_missed=["on-call"],
    )
    assert (str(found.wait), found.paused.until.isoformat()) == ("0:30:00", "2026-12-01")


def test_what_is_recorded_of_it_is_read_again_and_has_only_what_is_said():
    found = schedule(every="90m", cron=None, zone=None, late_ok="15m", calendars=["freeze"], paused=PAUSE)

    assert found.written == {
        "id": "nightly",
        "every": "1h30m",
        "inventory": "inventories/local",
        "late_ok": "15m",
        "calendars": ["freeze"],
        "paused": PAUSE,
    }
    assert read_schedule(found.written) == found
    assert read_schedule({**found.written, "at": "noon"}) is None
