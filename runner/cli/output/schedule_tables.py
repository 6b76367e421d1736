"""Schedules on the screen: what comes, what became of what came, and the units that have them looked at."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from runner.cli.output.table import draw
from runner.cli.output.terminal import safe

if TYPE_CHECKING:
    from runner.scheduling.entries import ScheduleEntry
    from runner.services.schedules.coming_instants import PlannedInstant
    from runner.services.schedules.overview import Past
    from runner.store.occurrences import Occurrence


def draw_list(found: Sequence[ScheduleEntry], following: Mapping[str, PlannedInstant]) -> None:
    """Print every schedule with its next instant, and what keeps it from being begun."""
    rows = [
        {
            "schedule": each.name,
            "when": each.when,
            "inventory": each.schedule.inventory if each.schedule else "",
            "next": _local(following[each.name].local) if each.name in following else "never",
            "fault": each.fault,
        }
        for each in found
    ]
    draw(rows, empty="no runbook has a schedule", optional=("fault",))


def draw_upcoming(found: Iterable[PlannedInstant]) -> None:
    """Print the instants that will come, with what is to be known about each."""
    rows = [{"next": _local(each.local), "schedule": each.entry.name, "note": each.note} for each in found]
    draw(rows, empty="nothing is planned", optional=("note",))


def draw_past(found: Iterable[Past], *, empty: str) -> None:
    """Print what became of what was planned."""
    rows = [
        {
            "planned": f"{each.occurrence.planned:%Y-%m-%d %H:%M} UTC",
            "schedule": each.occurrence.schedule,
            "state": each.occurrence.state,
            "outcome": each.outcome,
            "why": each.occurrence.why,
            "run": each.occurrence.run,
        }
        for each in found
    ]
    draw(rows, empty=empty, optional=("outcome", "why", "run"))


def decision(same: Sequence[Occurrence]) -> str:
    """What became of occurrences of a schedule which have the same fate, in a line."""
    occurrence = same[-1]
    state = {"begin": "begins"}.get(occurrence.state, occurrence.state)
    first = f"{len(same)} from {same[0].planned:%Y-%m-%d %H:%M} to " if len(same) > 1 else ""
    line = f"{state:8} {occurrence.schedule} of {first}{occurrence.planned:%Y-%m-%d %H:%M} UTC"
    return safe(f"{line}: {occurrence.why}" if occurrence.why else line)


def warn(message: str) -> None:
    """Print what is wrong, if anything is."""
    if message:
        click.echo(f"warning: {safe(message)}", err=True)


def _local(moment: datetime) -> str:
    return f"{moment:%a %Y-%m-%d %H:%M %Z}"


def as_data(entry: ScheduleEntry) -> dict[str, Any]:
    """The schedule as JSON."""
    written = entry.schedule.model_dump(mode="json", exclude_none=True) if entry.schedule else {}
    return {"name": entry.name, "place": entry.place, "fault": entry.fault, **written}


def planned_data(each: PlannedInstant) -> dict[str, str]:
    """An instant that will come as JSON."""
    return {
        "schedule": each.entry.name,
        "planned": each.instant.isoformat(),
        "local": each.local.isoformat(),
        "note": each.note,
    }


def past_data(each: Past) -> dict[str, str]:
    """What became of an occurrence as JSON."""
    occurrence = each.occurrence
    return {
        "schedule": occurrence.schedule,
        "planned": occurrence.planned.isoformat(),
        "state": occurrence.state,
        "why": occurrence.why,
        "run": occurrence.run,
        "outcome": each.outcome,
        "decided": occurrence.decided.isoformat(),
    }


def crontab(words: Sequence[str]) -> str:
    """The line of a crontab that has the schedules looked at, by the command that begins with `words`."""
    command = " ".join(shlex.quote(each).replace("%", "\\%") for each in [*words, "schedule", "tick"])
    return f"# Looks each minute at what is planned: runbook schedule decides, not cron.\n* * * * * {command}\n"
