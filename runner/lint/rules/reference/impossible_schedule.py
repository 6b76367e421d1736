"""`impossible-schedule`: a schedule that never comes."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from runner.lint.rules.base import Criterion, Hit, Level, LintContext, Rule, quoted
from runner.model.schedule import outside, problem


def _find(context: LintContext) -> Iterator[Hit]:
    for number, schedule in enumerate(context.runbook.schedules):
        place = ("schedules", number)
        if found := problem(schedule.cron):
            yield Hit((*place, "cron"), f"{quoted(schedule.cron)}: {found}", "write it like 30 3 * * 1")
        elif schedule.window and outside(schedule.cron, schedule.window):
            message = f"never comes within {quoted(schedule.window)}"
            yield Hit((*place, "cron"), f"{quoted(schedule.cron)} {message}", "give it a time within the window")
        if schedule.zone and not _known(schedule.zone):
            message = f"no time zone is called {quoted(schedule.zone)}"
            yield Hit((*place, "zone"), message, "write a name like Europe/Berlin")


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (LookupError, OSError, ValueError):
        return False
    return True


RULE = Rule(
    id="impossible-schedule",
    level=Level.ERROR,
    criterion=Criterion.COMPLETE,
    problem="A schedule that never comes is maintenance that is never done, and nobody notices.",
    wrong='schedules:\n  - {cron: "0 4 30 2 *", zone: Europe/Berlin}\n',
    right='schedules:\n  - {cron: "0 4 28 2 *", zone: Europe/Berlin}\n',
    find=_find,
)
