"""The drill of one occurrence: begun once, known to go on while its process lives, and recorded with how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner.core.errors import LockedError
from runner.core.events import EventType, Outcome
from runner.scheduling.decision import Fate
from runner.services.schedules.deciding import deciding, run_id
from runner.store.locks.kernel_locks import LockFile
from runner.store.occurrences import CLAIMED, Occurrence

if TYPE_CHECKING:
    from runner.orchestrator.run_environment import Installation
    from runner.scheduling.entries import ScheduleEntry
    from runner.store.state_directory import StateDirectory

RUNNING = "running"
"""How a drill has ended that goes on, or whose process has died."""


@contextmanager
def drill_held(installation: Installation, entry: ScheduleEntry, planned: datetime) -> Iterator[None]:
    """Begin the drill of an occurrence that was claimed; it goes on as long as the block lasts.

    Raises:
        LockedError: it was decided by now, or has begun.
    """
    path = _lock(installation.state, run_id(entry.name, planned))
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with closing(LockFile(path, mode=0o600)) as lock:
        if not lock.lock() or not _recorded(installation, entry, planned, RUNNING, "its drill has begun", CLAIMED):
            raise LockedError(f"the drill {entry.name} of {planned:%Y-%m-%d %H:%M} UTC was decided, or has begun")
        yield


def record_drill(installation: Installation, entry: ScheduleEntry, planned: datetime, outcome: str, why: str) -> None:
    """Record how the drill ended that was begun; of one that failed those hear whom the schedule calls."""
    _recorded(installation, entry, planned, outcome, why, Fate.RAN)


def _recorded(
    installation: Installation, entry: ScheduleEntry, planned: datetime, outcome: str, why: str, before: str
) -> bool:
    """Whether it was recorded: the occurrence must be as it was `before`."""
    with deciding(installation) as (occurrences, note):
        found = occurrences.of(entry.name, planned)
        if found is None or found.state != before:
            return False
        data = {"schedule": entry.name, "planned": planned.isoformat(), "state": Fate.RAN, "run": found.run, "why": why}
        tell = {"tell": list(entry.tell)} if entry.tell and outcome not in {RUNNING, Outcome.PASSED} else {}
        note(EventType.SCHEDULE_DECIDED, outcome=outcome, **data, **tell)
    return True


def as_it_stands(state: StateDirectory, occurrence: Occurrence) -> Occurrence:
    """The occurrence of a drill: one whose process has died in the midst of it has an unknown end."""
    died = occurrence.outcome == RUNNING and not drill_goes_on(state, occurrence.run)
    return replace(occurrence, outcome=Outcome.UNKNOWN) if died else occurrence


def drill_goes_on(state: StateDirectory, run: str) -> bool:
    """Whether a process is doing the drill with that id just now."""
    path = _lock(state, run)
    if run and path.is_file():
        with suppress(OSError), closing(LockFile(path, mode=0o600)) as lock:
            return not lock.lock()
    return False


def _lock(state: StateDirectory, run: str) -> Path:
    return state.path / "scheduled-drills" / f"{run}.lock"
