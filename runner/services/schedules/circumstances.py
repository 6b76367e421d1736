"""What is known of a schedule when it is looked at: what keeps it from being begun, and what goes on of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.core.errors import RunbookError, explain
from runner.core.events import EventType, Outcome
from runner.core.identifiers import PRODUCTION
from runner.core.wording import first_line
from runner.scheduling.decision import Facts
from runner.scheduling.entries import ScheduleEntry, paused, subject_of
from runner.services.schedules.planned_drills import drill_goes_on
from runner.store.occurrences import CLAIMED, Occurrence, Occurrences

if TYPE_CHECKING:
    from runner.library.calendars import Calendars
    from runner.library.library import Library
    from runner.model.schedules.schedule import Schedule
    from runner.store.state_directory import StateDirectory

_DRILLED = ("staging", "lab")
"""The classes of environment that a drill by calendar may break."""
_RUNS = 20
_LOOKED_AT = 1000
"""So many runs are looked at for how long one usually takes."""
_EARLIER = 5
"""So many earlier occurrences of a schedule may still go on: those that were caught up by hand, besides the last."""


class Circumstances:
    """What is known at the instant `now`; what all schedules share is looked up once."""

    def __init__(self, library: Library, state: StateDirectory, occurrences: Occurrences, now: datetime) -> None:
        self._library, self._state, self._occurrences, self._now = library, state, occurrences, now
        self._environments: dict[str, list[str]] = {}

    def facts(self, entry: ScheduleEntry, schedule: Schedule) -> Facts:
        """What decides about an occurrence of `entry` after which no other one is due."""
        running, ended = self._earlier(entry.name)
        return Facts(
            name=entry.name,
            now=self._now,
            fault=self.fault(entry, schedule),
            closed=self._calendars.closed(schedule.calendars, self._now, schedule.tz),
            running=running,
            ended=ended,
            usual=(self._usual.get(entry.runbook) or entry.budget) if schedule.finish else None,
            paused=self.paused(entry, schedule),
        )

    def paused(self, entry: ScheduleEntry, schedule: Schedule) -> str:
        """By whom and why the schedule does not count now; empty where it does."""
        by_command = str(self._paused.get(entry.name, {}).get("value", ""))
        return by_command or paused(schedule, self._now.astimezone(schedule.tz).date())

    def fault(self, entry: ScheduleEntry, schedule: Schedule) -> str:
        """Why the schedule cannot be begun; empty where it can."""
        fault = entry.fault or self._calendars.fault(schedule.calendars)
        return fault or (self._undrillable(schedule) if schedule.kind == "drill" else self._unapproved(entry, schedule))

    def hindrance(self, entry: ScheduleEntry, schedule: Schedule) -> str:
        """Why the schedule is not begun, or does not count, now; empty where it is and does."""
        paused = self.paused(entry, schedule)
        return self.fault(entry, schedule) or (f"paused {paused}" if paused else "")

    def _unapproved(self, entry: ScheduleEntry, schedule: Schedule) -> str:
        try:
            if PRODUCTION not in self._classes(schedule.inventory):
                return ""
            subject = subject_of(self._library, entry)
        except (RunbookError, OSError) as error:
            return first_line(explain(error).message)
        approved = self._approved.get(entry.name, {}).get("value", "")
        if approved == subject:
            return ""
        why = "has changed since it was approved" if approved else "is not approved"
        return f"{entry.name} works on production, and {why}: runbook schedule approve {entry.name}"

    def _undrillable(self, schedule: Schedule) -> str:
        others = [each for each in self._classes(schedule.inventory) if each not in _DRILLED]
        where = f"and {schedule.inventory} is of {', '.join(others)}"
        return f"a drill breaks its hosts first: it needs staging or a lab, {where}" if others else ""

    def approver(self, entry: ScheduleEntry) -> str:
        """Who has approved the schedule as it is now; empty where nobody has.

        Raises:
            RunbookError: its runbook cannot be read.
        """
        approved = self._approved.get(entry.name, {})
        return str(approved["by"]) if approved and approved["value"] == subject_of(self._library, entry) else ""

    def _classes(self, inventory: str) -> list[str]:
        if inventory not in self._environments:
            from runner.library.inventory import environments  # noqa: PLC0415 - only what is due needs it

            self._environments[inventory] = environments(self._library.root / inventory)
        return self._environments[inventory]

    @cached_property
    def _calendars(self) -> Calendars:
        from runner.library.calendars import Calendars  # noqa: PLC0415 - only what is due needs it

        return Calendars(self._library.root / "runbooks" / "calendars.yml")

    @cached_property
    def _paused(self) -> Mapping[str, Mapping[str, Any]]:
        return self._occurrences.facts(EventType.SCHEDULE_PAUSED)

    @cached_property
    def _approved(self) -> Mapping[str, Mapping[str, Any]]:
        return self._occurrences.facts(EventType.SCHEDULE_APPROVED)

    @cached_property
    def _usual(self) -> Mapping[str, timedelta]:
        return usual(self._state)

    def _earlier(self, schedule: str) -> tuple[str, datetime | None]:
        """The run of an earlier occurrence that goes on, or is about to begin; else when the last one has ended."""
        ended: list[datetime] = []
        for each in self._occurrences.begun(schedule, _EARLIER):
            if self._goes_on(each):
                return each.run, None
            with suppress(RunbookError, ValueError):
                ended.append(datetime.fromisoformat(self._state.directory(each.run).state.finished))
        return "", max(ended, default=None)

    def _goes_on(self, occurrence: Occurrence) -> bool:
        run = self._state.directory(occurrence.run)
        return run.live if run.exists else occurrence.state == CLAIMED or drill_goes_on(self._state, occurrence.run)


def usual(state: StateDirectory) -> Mapping[str, timedelta]:
    """How long a run of each runbook takes that asks nobody, at the slow end of the last ones that passed."""
    passed: dict[str, list[timedelta]] = {}
    for name in reversed(state.names()[-_LOOKED_AT:]):
        with suppress(RunbookError, ValueError):
            run = state.directory(name).state
            times = passed.setdefault(run.runbook, [])
            if (run.outcome, run.mode) == (Outcome.PASSED, "auto") and len(times) < _RUNS:
                times.append(datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started))
    return {runbook: _slow_end(times) for runbook, times in passed.items() if times}


def _slow_end(times: list[timedelta]) -> timedelta:
    return sorted(times)[min(len(times) - 1, round(0.95 * len(times)))]
