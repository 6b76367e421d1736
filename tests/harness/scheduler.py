"""A library with schedules, the machine that looks at them, and clocks that only move when they are told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import cycle

from harness.fake_run import environment_in
from harness.fakes import Clock, runbook_file
from runner.core.events import EventType
from runner.library.library import Library
from runner.scheduling.clock_check import Clocks
from runner.scheduling.decision import Fate
from runner.scheduling.entries import entry
from runner.services.schedules.deciding import decided, record_fate
from runner.services.schedules.tick import tick
from runner.store.log.log_reader import read

BEGIN = datetime(2026, 12, 6, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SCHEDULED = {EventType.SCHEDULE_CLAIMED, EventType.SCHEDULE_DECIDED}


def schedule(name="nightly", **keys):
    written = {"id": name, "cron": "30 2 * * *", "zone": "UTC", "inventory": "inventories/local", **keys}
    return {key: value for key, value in written.items() if value is not None}


class Scheduler:
    """`looks` at the schedules of its library after so much time; `records` are what was recorded of them."""

    def __init__(self, directory, *, channel=None):
        self.directory, self.library = directory, Library(directory, cache=directory / "cache")
        self.clock = Clock(wall=BEGIN)
        changes = {"channel": channel} if channel else {}
        self.env = environment_in(directory, clock=self.clock, **changes)
        local = directory / "inventories" / "local"
        local.mkdir(parents=True)
        (local / "hosts.yml").write_text(
            "all: {hosts: {db1: {ansible_connection: local}}, vars: {runbook_environment: local}}\n"
        )

    def write(self, *schedules, runbook="RUN-020", **changes):
        return runbook_file(self.directory, id=runbook, schedules=list(schedules), **changes)

    def clocks(self, **changes):
        now = self.clock()
        seen = {"wall": now.wall, "since_boot": now.monotonic, "boot": now.boot_id, "is_set": True}
        return Clocks(**{**seen, **changes})

    def looks(self, after=timedelta(), **changes):
        self.clock.forward(after.total_seconds())
        return tick(self.env, self.library, lambda: self.clocks(**changes))

    def does(self, *claims):
        """Record of each of the `claims` that its run has begun."""
        for each in claims:
            record_fate(self.env, entry(self.library, each.schedule), each.planned, Fate.RAN, "")

    def walk(self, time, steps=(MINUTE,)):
        """Look again and again for so much time, do what is to begin; all that was decided, in order."""
        found, end, steps = [], self.clock.wall + time, cycle(steps)
        while self.clock.wall < end:
            ticked = self.looks(next(steps))
            self.does(*ticked.to_begin)
            found += [*ticked.decided, *ticked.to_begin]
        return found

    @property
    def records(self):
        return [record for record in read(self.env.state.log_path) if record.type in SCHEDULED]

    def state_of(self, name, planned):
        with decided(self.env.state) as occurrences:
            found = occurrences.of(name, planned)
        return found and (found.state, found.why)
