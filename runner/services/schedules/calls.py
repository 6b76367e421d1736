"""Whom a schedule calls: for what was missed or refused, and when the scheduler itself is dead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime

from runner.core.errors import AuditError, RunbookError
from runner.escalation.outbox import written
from runner.library.library import Library
from runner.orchestrator.end.dead_man import call_for_refused
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.request import Call, RunRequest
from runner.orchestrator.run_environment import Installation
from runner.scheduling.decision import Fate
from runner.scheduling.entries import ScheduleEntry, entries
from runner.services.schedules.tick import run_id
from runner.store.lease import Lease
from runner.store.occurrences import Occurrence

NAME = "scheduler"
"""The name of the lease of the scheduler's loop."""
_DEAD = "the scheduler that was to begin what is planned is dead: nothing planned is begun any more"


def call_for_decisions(
    installation: Installation, library: Library, entry: ScheduleEntry, same: Sequence[Occurrence]
) -> tuple[Call, ...]:
    """Call once whom the schedule names for occurrences that were all missed, or all refused.

    For a critical runbook somebody is called in any case.
    """
    last = same[-1]
    if last.state not in {Fate.MISSED, Fate.REFUSED}:
        return ()
    request = _request(library, entry, _contacts(library, entry), last.planned)
    if request is None:
        return ()
    also = f", and {len(same) - 1} before it," if len(same) > 1 else ""
    what = f"{entry.name} of {last.planned:%Y-%m-%d %H:%M} UTC{also} was {last.state}: {last.why}"
    return tuple(call_for_refused(request, installation, RunbookError(what)))


@contextmanager
def scheduler_lease(installation: Installation, library: Library) -> Iterator[None]:
    """While the block lasts whoever watches sees that the loop is alive; its end, however it comes, ends the lease."""
    calls = _calls_if_dead(installation, library)
    with suppress(AuditError, OSError):
        installation.state.leases.write(Lease.ours(NAME, installation.clock(), calls))
    with installation.state.leases.renewed(NAME, installation.clock):
        yield


def _calls_if_dead(installation: Installation, library: Library) -> list[dict[str, object]]:
    """The notifications by which everybody whom a schedule calls hears that the scheduler is dead."""
    found = sorted(entries(library), key=lambda each: not each.is_critical)
    names = dict.fromkeys(name for each in found for name in _contacts(library, each))
    now = installation.clock().wall
    request = next((made for each in found if (made := _request(library, each, tuple(names), now))), None)
    if request is None:
        return []
    with installation.open_log() as log:
        directory = installation.state.directory(request.run_id)
        recorder = Recorder(request.run_id, log, directory, installation.clock)
        return [dict(written(each)) for each in Pager(request, installation, recorder).calls_if_dead(_DEAD)]


def _contacts(library: Library, entry: ScheduleEntry) -> Sequence[str]:
    """The names of those whom the schedule calls; those of its runbook where that is critical and it names nobody."""
    if entry.schedule and entry.schedule.on_missed:
        return entry.schedule.on_missed
    with suppress(RunbookError, OSError):
        return library.source(entry.runbook).runbook.escalation.contacts if entry.is_critical else ()
    return ()


def _request(library: Library, entry: ScheduleEntry, names: Sequence[str], planned: datetime) -> RunRequest | None:
    """What is asked for so that `names` are called; None where nobody is to be, or the runbook cannot be read."""
    try:
        source = library.source(entry.runbook)
        contacts = library.contacts(source)
    except (RunbookError, OSError):
        return None
    if not names or entry.schedule is None:
        return None
    escalation = source.runbook.escalation.model_copy(update={"contacts": tuple(names)})
    runbook = source.runbook.model_copy(update={"escalation": escalation})
    return RunRequest(
        run_id(entry.name, planned),
        replace(source, runbook=runbook),
        b"",
        contacts,
        [library.root / entry.schedule.inventory],
        entry.schedule.limit,
        mode="auto",
        library=library,
    )
