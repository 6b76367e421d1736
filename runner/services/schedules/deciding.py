"""How a decision about schedules is made: with everybody else's known, and recorded before it counts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from runner.core.events import Event, EventType, Outcome
from runner.scheduling.decision import Fate
from runner.scheduling.entries import ScheduleEntry, entries, entry, remembered
from runner.store.occurrences import CLAIMED, Occurrences

if TYPE_CHECKING:
    from runner.library.library import Library
    from runner.orchestrator.run_environment import Installation
    from runner.store.state_directory import RecordContext, StateDirectory


RUNNING = "running"
"""How a drill has ended that goes on, or whose process has died."""


class Note(Protocol):
    """Records an event of that kind, with that data."""

    def __call__(self, kind: EventType, **data: object) -> None:
        """It is known at once, and recorded with all others when the decisions are made."""


def run_id(schedule: str, planned: datetime) -> str:
    """The id of the run of that occurrence: the same whoever begins it, so that it begins once."""
    return f"{planned:%Y%m%dT%H%M%SZ}-{hashlib.sha256(schedule.encode()).hexdigest()[:8]}"


def asked_of(schedule: str, run: str) -> str:
    """What the planned `run` of that schedule will ask, by the name under which it is recorded."""
    return f"{schedule}@{run}"


def was_asked(state: StateDirectory, schedule: str, planned: datetime) -> bool:
    """Whether people were told what the run of that occurrence will ask.

    Raises:
        AuditError: what was recorded cannot be read.
    """
    with decided(state) as occurrences:
        return asked_of(schedule, run_id(schedule, planned)) in occurrences.facts(EventType.SCHEDULE_ASKED)


@contextmanager
def decided(state: StateDirectory) -> Iterator[Occurrences]:
    """All that was decided by now; while the block lasts nobody decides more.

    Raises:
        AuditError: what was recorded cannot be read.
        LockedError: somebody else decides for very long.
    """
    occurrences = Occurrences(state.path, state.log_path)
    with occurrences.held():
        yield occurrences


@contextmanager
def deciding(recording: RecordContext) -> Iterator[tuple[Occurrences, Note]]:
    """The same for who decides: at the end of the block all that was noted is recorded in one go, or nothing is.

    Raises:
        AuditError: nothing can be recorded, or what was recorded cannot be read.
        LockedError: somebody else decides for very long.
    """
    state, events = recording.state, list[Event]()
    with (
        state.open_log(clock=recording.clock, actor=recording.actor) as log,
        decided(state) as occurrences,
    ):

        def note(kind: EventType, **data: object) -> None:
            events.append(Event(kind, "", data=data))
            occurrences.apply(kind, data, recording.clock().wall)

        yield occurrences, note
        if events:
            log.append(*events)


def record_fate(
    recording: RecordContext,
    entry: ScheduleEntry,
    planned: datetime,
    fate: Fate,
    why: str,
    *,
    before: str = CLAIMED,
    outcome: str = "",
) -> bool:
    """Record what became of an occurrence, if it is still as it was `before`; whether it was, and nobody else has.

    Of what was refused, and of a drill that failed, the next look tells those whom the schedule calls.
    """
    with deciding(recording) as (occurrences, note):
        found = occurrences.of(entry.name, planned)
        if found is None or found.state != before:
            return False
        data = {"schedule": entry.name, "planned": planned.isoformat(), "state": fate, "run": found.run, "why": why}
        bad = fate is Fate.REFUSED or outcome not in {"", RUNNING, Outcome.PASSED}
        data |= {"outcome": outcome} if outcome else {}
        note(EventType.SCHEDULE_DECIDED, **data, **({"tell": list(entry.tell)} if bad and entry.tell else {}))
    return True


def record_word(installation: Installation, kind: EventType, schedule: str, value: str) -> None:
    """Record what whoever runs this says about `schedule`."""
    data = {"schedule": schedule, "value": value, "by": installation.actor.person}
    with installation.state.open_log(clock=installation.clock, actor=installation.actor) as log:
        log.append(Event(kind, "", data=data))


def known_schedules(occurrences: Occurrences) -> Mapping[str, ScheduleEntry]:
    """Every schedule as it was recorded last, by its name; none that was taken out."""
    recorded = occurrences.facts(EventType.SCHEDULE_SEEN)
    made = ((name, remembered(name, data)) for name, data in recorded.items())
    return {name: entry for name, entry in made if entry}


def all_entries(library: Library, state: StateDirectory, only: str | None = None) -> list[ScheduleEntry]:
    """Every schedule of `library`; one that nobody can read any more is due as a look has found it before."""
    return entries(library, only, _known(state))


def one_entry(library: Library, state: StateDirectory, name: str) -> ScheduleEntry:
    """The schedule of that name, in the same way.

    Raises:
        InvalidInputError: there is none, or nobody can read when it is due.
    """
    return entry(library, name, _known(state))


def _known(state: StateDirectory) -> Mapping[str, ScheduleEntry]:
    if not state.log_path.is_file():
        return {}
    with decided(state) as occurrences:
        return known_schedules(occurrences)
