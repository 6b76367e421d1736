"""A scheduler that looks each minute, and is sometimes down for hours, gives each planned instant one end.

It is compared with an oracle that knows nothing of the product. `RUNBOOK_TEST_DAYS` says through how many days the walk
goes in each zone: 1096 are three years.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from harness.cron_oracle import MINUTE, Oracle

from runner.model.schedules.schedule import Schedule
from runner.scheduling.decision import Facts, Fate, decide
from runner.scheduling.instants import instants

DAYS = int(os.environ.get("RUNBOOK_TEST_DAYS", "2"))
ZONES = {
    "UTC": datetime(2026, 12, 30, tzinfo=UTC),
    "Europe/Berlin": datetime(2027, 3, 27, 12, tzinfo=UTC),
    "America/New_York": datetime(2026, 10, 31, 12, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 10, 2, 12, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 2, 27, 12, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 28, 12, tzinfo=UTC),
    "America/Santiago": datetime(2027, 4, 3, 12, tzinfo=UTC),
    "Africa/Cairo": datetime(2026, 4, 23, 12, tzinfo=UTC),
}
CRON = "30 0-4,22 * * *"


class Walk:
    """Looks at one schedule again and again; `ends` are the fates of each instant, with their sentences."""

    def __init__(self, zone, begin):
        written = {"id": "n", "cron": CRON, "zone": zone, "inventory": "i", "window": "22:00-04:00", "jitter": "9m"}
        self.schedule = Schedule.model_validate({**written, "overlap": "wait 30m", "late_ok": "5m"})
        self.horizon, self.ends, self.busy, self.pick = begin, {}, begin, random.Random(zone)
        self.coming = self.next_one()

    def next_one(self):
        return next(instants(self.schedule.times, self.horizon, self.horizon + timedelta(days=9)))

    def look(self, now):
        if now < self.coming:  # there is nothing to see, which takes years to find out again and again
            return
        for instant in instants(self.schedule.times, self.horizon, now):
            running, ended = ("the run before", None) if self.busy > now else ("", self.busy)
            facts = Facts(name="RUN-1/n", now=now, running=running, ended=ended)
            decision = decide(self.schedule, instant, facts)
            if decision.fate is Fate.WAIT:
                return
            self.ends.setdefault(instant, []).append(decision)
            self.horizon = instant
            self.coming = self.next_one()
            if decision.fate is Fate.BEGIN:
                self.busy = now + self.pick.choice([5, 55, 85, 130]) * MINUTE


@pytest.mark.parametrize("zone", ZONES)
def test_each_planned_instant_has_one_end_with_a_sentence(zone):
    begin = ZONES[zone]
    end, now, down = begin + timedelta(days=DAYS), begin, begin
    walk = Walk(zone, begin)
    while now < end:
        now += MINUTE
        if down <= now:
            walk.look(now)
            down = now + timedelta(hours=walk.pick.choice([1, 3])) if walk.pick.random() < 0.001 else now
    walk.look(end + timedelta(hours=1))

    planned = Oracle(CRON, zone).between(begin, end)
    ends = {instant: found for instant, found in walk.ends.items() if instant <= end}
    assert list(ends) == planned
    assert {len(found) for found in ends.values()} == {1}
    assert all(each.why or each.fate is Fate.BEGIN for found in ends.values() for each in found)
    assert sum(Counter(str(found[0].fate) for found in ends.values()).values()) == len(planned)
