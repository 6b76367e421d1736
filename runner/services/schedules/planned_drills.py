"""The drill of one occurrence: begun once, known to go on while its process lives, and recorded with how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner.core.errors import LockedError
from runner.core.events import Outcome
from runner.scheduling.decision import Fate
from runner.services.schedules.deciding import RUNNING, record_fate, run_id
from runner.store.locks.kernel_locks import LockFile
from runner.store.occurrences import Occurrence

if TYPE_CHECKING:
    from runner.orchestrator.run_environment import Installation
    from runner.scheduling.entries import ScheduleEntry
    from runner.store.state_directory import StateDirectory


@contextmanager
def drill_held(installation: Installation, entry: ScheduleEntry, planned: datetime) -> Iterator[None]:
    """Begin the drill of an occurrence that was claimed; it goes on as long as the block lasts.

    Raises:
        LockedError: it was decided by now, or has begun.
    """
    path = _lock(installation.state, run_id(entry.name, planned))
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with closing(LockFile(path, mode=0o600)) as lock:
        begun = "its drill has begun"
        if not (lock.lock() and record_fate(installation, entry, planned, Fate.RAN, begun, outcome=RUNNING)):
            raise LockedError(f"the drill {entry.name} of {planned:%Y-%m-%d %H:%M} UTC was decided, or has begun")
        yield


def record_drill(installation: Installation, entry: ScheduleEntry, planned: datetime, outcome: str, why: str) -> None:
    """Record how the drill ended that was begun; of one that failed those hear whom the schedule calls."""
    record_fate(installation, entry, planned, Fate.RAN, why, before=Fate.RAN, outcome=outcome)


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
