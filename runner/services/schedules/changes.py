"""What people say about schedules: pause one, approve one, begin what was missed, trust the clock. All is recorded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from runner.core.errors import InvalidInputError, LockedError
from runner.core.events import EventType
from runner.scheduling.decision import Fate
from runner.scheduling.entries import ScheduleEntry, subject_of
from runner.scheduling.instants import instants
from runner.services.schedules.clock_memory import forget
from runner.services.schedules.deciding import decided, deciding, one_entry, record_word, run_id
from runner.store.occurrences import CLAIMED

if TYPE_CHECKING:
    from runner.library.library import Library
    from runner.orchestrator.run_environment import Installation


def pause(installation: Installation, library: Library, name: str, why: str) -> None:
    """Let no occurrence of the schedule `name` be begun until `go_on`, because of `why`.

    Raises:
        InvalidInputError: there is no such schedule, or no reason.
    """
    one_entry(library, installation.state, name)
    if not why.strip():
        raise InvalidInputError("a pause has a reason", hint="--because 'the disks are replaced'")
    record_word(installation, EventType.SCHEDULE_PAUSED, name, f"by {installation.actor.person}: {why}")


def go_on(installation: Installation, library: Library, name: str) -> None:
    """End the pause of the schedule `name`.

    Raises:
        InvalidInputError: there is no such schedule, or nobody has paused it here.
    """
    one_entry(library, installation.state, name)
    with decided(installation.state) as occurrences:
        paused = occurrences.facts(EventType.SCHEDULE_PAUSED)
    if not paused.get(name, {}).get("value"):
        raise InvalidInputError(f"nobody has paused {name} here", hint="a pause in the runbook ends there")
    record_word(installation, EventType.SCHEDULE_PAUSED, name, "")


def approve(installation: Installation, library: Library, name: str) -> str:
    """Approve the schedule `name` as it and its runbook are now; what was approved, by its hash.

    Raises:
        InvalidInputError: there is no such schedule, or it cannot be begun.
    """
    found = one_entry(library, installation.state, name)
    if found.fault:
        raise InvalidInputError(f"{name} cannot be approved: {found.fault}")
    subject = subject_of(library, found)
    record_word(installation, EventType.SCHEDULE_APPROVED, name, subject)
    return subject


def trust_clock(installation: Installation) -> None:
    """Say that the time is right now: decisions go on from here, whatever was decided before."""
    record_word(installation, EventType.SCHEDULE_CLOCK, "", installation.clock().wall.isoformat())
    forget(installation.state, installation.actor.host)


def catch_up(installation: Installation, library: Library, name: str, instant: datetime) -> ScheduleEntry:
    """Claim the occurrence of the schedule `name` at `instant`, which was not done, to be begun now.

    Raises:
        InvalidInputError: there is no such schedule or instant, or it has not come yet.
        LockedError: it was done, or is about to be.
    """
    found = one_entry(library, installation.state, name)
    schedule = found.schedule
    assert schedule  # noqa: S101 - `entry` gives none without
    if instant not in instants(schedule.times, instant - timedelta(seconds=1), instant):
        hint = f"runbook schedule history {name} shows those that were missed"
        raise InvalidInputError(f"{instant:%Y-%m-%dT%H:%MZ} is no instant of {name}", hint=hint)
    if instant > installation.clock().wall:
        raise InvalidInputError(f"{instant:%Y-%m-%dT%H:%MZ} has not come yet")
    run = run_id(name, instant)
    with deciding(installation) as (occurrences, note):
        before = occurrences.of(name, instant)
        if before and before.state in {CLAIMED, Fate.RAN}:
            what = "was done" if before.state == Fate.RAN else "is about to begin"
            raise LockedError(f"{name} of {instant:%Y-%m-%dT%H:%MZ} {what}: run {before.run}")
        if installation.state.directory(run).exists:
            hint = f"runbook status {run} shows how it ended, and runbook resume {run} goes on with it"
            raise LockedError(f"the run {run} of {name} has begun already", hint=hint)
        why = f"caught up by {installation.actor.person}"
        data = {"schedule": name, "planned": instant.isoformat(), "run": run, "why": why}
        note(EventType.SCHEDULE_CLAIMED, **data)
    return found
