"""Whom a schedule calls: for what was missed or refused, and when the scheduler itself is dead."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from urllib.parse import quote

from runner.channels.base import Page
from runner.core.errors import AuditError, RunbookError
from runner.core.events import EventType
from runner.escalation.outbox import written
from runner.library.library import Library
from runner.model.contacts import Contact, read_contacts
from runner.orchestrator.run_environment import Installation
from runner.scheduling.decision import Fate
from runner.scheduling.entries import ScheduleEntry
from runner.services.notifications import Flushed, dispatcher_of
from runner.services.schedules.advance_approvals import AdvanceQuestion
from runner.services.schedules.deciding import all_entries, asked_of, deciding, run_id
from runner.store.lease import Lease
from runner.store.occurrences import Occurrence

NAME = "scheduler"
"""The name of the lease of the scheduler's loop."""
_DEAD = "the scheduler that was to begin what is planned is dead: nothing planned is begun any more by the one"
_COMPONENT = "schedule"


def call_for_decisions(
    installation: Installation, library: Library, decided: Sequence[Occurrence], problems: list[str]
) -> Flushed:
    """Call those who are to hear of what was `decided`, once for what became of a schedule in one way.

    That they were called is recorded; whoever dies before leaves it to the next look.
    """
    wanted = sorted((each for each in decided if each.tell), key=lambda each: (each.schedule, each.state, each.planned))
    groups = [list(same) for _, same in groupby(wanted, key=lambda each: (each.schedule, each.state))]
    if not groups:
        return Flushed()
    contacts = _contacts(library, problems)
    critical = {each.name for each in all_entries(library, installation.state) if each.is_critical}
    now = installation.clock().wall
    with dispatcher_of(installation, problems) as dispatcher:
        outgoing = []
        for same in groups:
            last = same[-1]
            page = _page(last.schedule, _sentence(same), now, last, critical=last.schedule in critical)
            run = run_id(last.schedule, last.planned)
            outgoing += dispatcher.request([(page, last.tell)], run, contacts)
        _note_told(installation, groups)  # all of it is in the outbox by now, from which the next command sends it
        sent = dispatcher.send(outgoing)
    return Flushed(tuple(sent), tuple(problems))


def call_for_approvals(
    installation: Installation,
    library: Library,
    entry: ScheduleEntry,
    planned: datetime,
    asked: Sequence[AdvanceQuestion],
) -> Flushed:
    """Tell those who may answer what the run of `entry` at `planned` will ask, once; that is recorded.

    Where a question is for nobody in particular, those hear of it whom the schedule calls.
    """
    problems: list[str] = []
    waiting = [each.context for each in asked if not (each.unknown or each.is_granted)]
    names = tuple(dict.fromkeys(name for each in waiting for name in ([each.group] if each.group else entry.tell)))
    steps = list(dict.fromkeys(each.step for each in waiting))
    page = _asking(entry.name, planned, steps, installation.clock().wall)
    run = run_id(entry.name, planned)
    name, contacts = asked_of(entry.name, run), _contacts(library, problems)
    with dispatcher_of(installation, problems) as dispatcher:
        with deciding(installation) as (occurrences, note):
            if name in occurrences.facts(EventType.SCHEDULE_ASKED):
                return Flushed()  # another scheduler, which has looked at the same time, has told them
            outgoing = dispatcher.request([(page, names)], run, contacts) if names else []
            note(EventType.SCHEDULE_ASKED, schedule=name, value=[each.subject for each in waiting])
        sent = dispatcher.send(outgoing)
    return Flushed(tuple(sent), tuple(problems))


def _asking(schedule: str, planned: datetime, steps: Sequence[str], now: datetime) -> Page:
    instant = f"{planned:%Y-%m-%dT%H:%MZ}"
    summary = f"{schedule} of {planned:%Y-%m-%d %H:%M} UTC asks before it begins: {', '.join(steps)}"
    details = {"planned": instant, "to approve it": f"runbook schedule approve {schedule} {instant}"}
    return replace(_page(schedule, summary, now), dedup_key=f"runbookctl/{_COMPONENT}/{schedule}/asks", details=details)


def _note_told(installation: Installation, groups: Sequence[Sequence[Occurrence]]) -> None:
    with deciding(installation) as (_, note):
        for *_, last in groups:
            planned = last.planned.isoformat()
            note(
                EventType.SCHEDULE_TOLD, schedule=last.schedule, state=last.state, planned=planned, tell=list(last.tell)
            )


def _sentence(same: Sequence[Occurrence]) -> str:
    last = same[-1]
    also = f", and {len(same) - 1} before it," if len(same) > 1 else ""
    became = f"was {last.state}" if last.state != Fate.RAN else "did not go well"
    return f"{last.schedule} of {last.planned:%Y-%m-%d %H:%M} UTC{also} {became}: {last.why}"


def _page(
    schedule: str, summary: str, now: datetime, occurrence: Occurrence | None = None, *, critical: bool = False
) -> Page:
    details: dict[str, str] = {}
    if occurrence:
        instant = f"{occurrence.planned:%Y-%m-%dT%H:%MZ}"
        details = {
            "planned": instant,
            "became": str(occurrence.state),
            "because": occurrence.why,
            "to begin it all the same": f"runbook schedule catch-up {schedule} {instant}",
        }
    return Page(
        action="trigger",
        dedup_key=f"runbookctl/{_COMPONENT}/{schedule}",
        summary=summary,
        severity="critical" if critical else "warning",
        source=schedule,
        component=schedule.partition("/")[0],
        group=_COMPONENT,
        details=details,
        timestamp=now,
    )


def _contacts(library: Library, problems: list[str]) -> Mapping[str, Contact]:
    """Everybody who can be called; nobody where that cannot be read, which leaves the page in the outbox."""
    try:
        return read_contacts(library.root / "runbooks" / "contacts.yml")
    except (RunbookError, OSError) as error:
        problems.append(str(error))
        return {}


@contextmanager
def scheduler_lease(installation: Installation, library: Library) -> Iterator[None]:
    """While the block lasts whoever watches sees that the loop is alive; its end, however it comes, ends the lease.

    The loop of each machine has one.
    """
    machine = installation.actor.host
    name = f"{NAME}-{quote(machine, safe='')}"
    with suppress(AuditError, OSError):
        lease = Lease.ours(name, installation.clock(), _calls_if_dead(installation, library), machine=machine)
        installation.state.leases.write(lease)
    with installation.state.leases.renewed(name, installation.clock):
        yield


def _calls_if_dead(installation: Installation, library: Library) -> list[dict[str, object]]:
    """The notifications by which everybody whom a schedule calls hears that the scheduler is dead."""
    found = sorted(all_entries(library, installation.state), key=lambda each: not each.is_critical)
    names = list(dict.fromkeys(name for each in found for name in each.tell))
    now, contacts = installation.clock().wall, _contacts(library, [])
    page = _page(NAME, f"{_DEAD} on {installation.actor.host}", now, critical=any(each.is_critical for each in found))
    with dispatcher_of(installation, []) as dispatcher:
        composed = dispatcher.compose([(page, names)], run_id(NAME, now), contacts)
    return [dict(written(each.notification)) for each in composed]
