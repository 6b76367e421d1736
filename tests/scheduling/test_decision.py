"""What becomes of an instant that has come, with the sentence that says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runner.model.schedules.schedule import Schedule
from runner.scheduling.decision import Facts, Fate, decide

AT = datetime(2026, 12, 6, 2, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RUN = "20261205T023000Z-00000000"


def decided(minutes=0.0, keys=None, **known):
    written = {"id": "nightly", "cron": "30 2 * * *", "zone": "UTC", "inventory": "inventories/local", **(keys or {})}
    now = AT + minutes * MINUTE
    decision = decide(Schedule.model_validate(written), AT, Facts(name="RUN-020/nightly", now=now, **known))
    return (str(decision.fate), decision.why)


@pytest.mark.parametrize(
    ("minutes", "keys", "known", "expected"),
    [
        (0, {}, {}, ("begin", "")),
        (10, {}, {}, ("begin", "")),
        (11, {}, {}, ("missed", "nobody looked until 11m after its time; at most 10m late is good")),
        (11, {"late_ok": "1h"}, {}, ("begin", "")),
        (60, {"if_missed": "latest"}, {}, ("begin", "caught up 1h late")),
        (
            60,
            {"if_missed": "latest"},
            {"latest": False},
            ("missed", "nobody looked until 1h after its time; at most 10m late is good"),
        ),
        (
            60,
            {"if_missed": "latest", "window": "02:00-03:00"},
            {},
            ("missed", "nobody looked until 1h after its time; at most 10m late is good"),
        ),
        (
            60,
            {"if_missed": "ask"},
            {},
            (
                "missed",
                "nobody looked until 1h after its time; at most 10m late is good; it is begun by catch-up, if somebody wants it",
            ),
        ),
        (0, {}, {"paused": "by ops: the disks are replaced"}, ("skipped", "paused by ops: the disks are replaced")),
        (0, {}, {"fault": "RUN-020.yml:3: is no runbook"}, ("refused", "RUN-020.yml:3: is no runbook")),
        (0, {}, {"closed": "The year's end"}, ("skipped", "closed: The year's end")),
        (0, {"window": "22:00-02:30"}, {}, ("skipped", "02:30 is outside the window 22:00-02:30")),
        (0, {"window": "22:00-02:31"}, {}, ("begin", "")),
        (
            0,
            {"window": "02:00-04:00", "finish": "by window end"},
            {"usual": timedelta(minutes=91)},
            ("skipped", "usually takes up to 1h31m, and must have ended by 04:00"),
        ),
        (0, {"window": "02:00-04:00", "finish": "by window end"}, {"usual": timedelta(minutes=90)}, ("begin", "")),
        (
            5,
            {"finish": "90m"},
            {"usual": timedelta(minutes=86)},
            ("skipped", "usually takes up to 1h26m, and must have ended by 04:00"),
        ),
        (0, {}, {"running": RUN}, ("skipped", f"the run {RUN} of an earlier occurrence still goes on")),
        (
            0,
            {"overlap": "refuse"},
            {"running": RUN},
            ("refused", f"the run {RUN} of an earlier occurrence still goes on"),
        ),
        (0, {"overlap": "wait 30m"}, {"running": RUN}, ("wait", f"waits for the run {RUN}")),
        (29, {"overlap": "wait 30m"}, {"ended": AT + 28 * MINUTE}, ("begin", "")),
        (35, {"overlap": "wait 30m"}, {"ended": AT + 34 * MINUTE}, ("begin", "")),
        (
            29,
            {"overlap": "wait 30m"},
            {},
            ("missed", "nobody looked until 29m after its time; at most 10m late is good"),
        ),
        (
            29,
            {"overlap": "wait 30m"},
            {"ended": AT + 9 * MINUTE},
            ("missed", "nobody looked until 20m after its time; at most 10m late is good"),
        ),
        (
            31,
            {"overlap": "wait 30m"},
            {"running": RUN},
            ("skipped", f"the run {RUN} of an earlier occurrence still goes on after 30m"),
        ),
        (
            30,
            {"overlap": "wait 30m"},
            {"running": RUN},
            ("skipped", f"the run {RUN} of an earlier occurrence still goes on after 30m"),
        ),
    ],
)
def test_each_instant_has_a_fate_and_a_sentence(minutes, keys, known, expected):
    assert decided(minutes, keys, **known) == expected


def test_one_with_jitter_waits_for_its_own_moment():
    fate, why = decided(0, {"jitter": "10m"})
    assert (fate, why.partition(" ")[0]) == (Fate.WAIT, "begins")
    assert decided(10, {"jitter": "10m"}) == ("begin", "")
