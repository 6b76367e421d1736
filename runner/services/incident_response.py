"""The incident of a run: a person calls for it, somebody has it, or the next level is called."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from runner.channels.base import Page
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError, RunbookError
from runner.core.events import Event, EventType, Outcome
from runner.core.redaction import Redaction
from runner.core.secrets import SecretReference
from runner.escalation.dispatch import SentPage
from runner.escalation.incidents import Incidents
from runner.escalation.ladder import NextLevel, following, levels
from runner.escalation.outbox import Outbox
from runner.kinds.secrets.lookup import is_at_hand
from runner.library.library import Library
from runner.model.contacts import Contact
from runner.orchestrator.end.dead_man import pager_of, request_of
from runner.orchestrator.recovery import write_reports_anew
from runner.orchestrator.request import Call
from runner.orchestrator.run_environment import Installation
from runner.render.history.page_history import called_levels
from runner.render.history.run_history import RunHistory
from runner.services.notifications import dispatcher_of
from runner.services.run_list import find_run, run_history
from runner.store.run_state import RunDirectory, RunState
from runner.store.secret_digests import SecretDigests
from runner.store.state_directory import StateDirectory

_OVER = frozenset({Outcome.PASSED, Outcome.HANDED_OVER})


@dataclass(frozen=True)
class Acknowledged:
    """The run whose incident somebody has now: who, what its channels answered, and what went wrong besides.

    `already` is who had it before.
    """

    run: str
    by: str
    already: str = ""
    sent: tuple[SentPage, ...] = ()
    problems: tuple[str, ...] = ()


def acknowledge(installation: Installation, name: str, note: str = "") -> Acknowledged:
    """Record that whoever runs the command has the incident of the run `name` (its id, or `last`), and tell that.

    Nobody else is called for it. Channels that can acknowledge do so; that one does not answer changes nothing.

    Raises:
        InvalidInputError: there is no such run, nobody was called for it, or the incident is over.
        AuditError: it cannot be recorded.
    """
    run = find_run(installation.state, name)
    history = run_history(installation.state, run.path.name, installation.clock())
    by, note = installation.actor.person, _masked(note.strip(), run.state, installation)
    if not history.called:
        raise InvalidInputError(f"nobody was called for the run {history.run}", hint="runbook list --runs shows all")
    if history.outcome in _OVER:
        raise InvalidInputError(f"the run {history.run} ended as {history.outcome}: its incident is over")
    if history.ended_by:
        raise InvalidInputError(f"the incident of the run {history.run} is over: the run {history.ended_by} has passed")
    if history.acknowledged:
        return Acknowledged(history.run, by, already=history.acknowledged.words)
    with installation.open_log() as log:
        log.append(Event(EventType.INCIDENT_ACKNOWLEDGED, history.run, data={"by": by, "note": note}))
    problems: list[str] = []
    page = _page(history, ": ".join(filter(None, [f"acknowledged by {by}", note])), installation.clock().wall)
    sent = _tell(installation, _contacts(run.state, problems), page, problems)
    write_reports_anew(installation, history.run)
    return Acknowledged(history.run, by, sent=tuple(sent), problems=tuple(problems))


@dataclass(frozen=True)
class CalledNext:
    """The levels that were called because nobody has acknowledged: who for which run, and what went wrong."""

    calls: tuple[tuple[str, Call], ...] = ()
    problems: tuple[str, ...] = ()


class LadderClock:
    """When it is to be looked at again whose turn it is: who looks every few seconds need not read all of it each time.

    That is when the next level is due, when something was recorded, and after `MOST` in any case.
    """

    MOST = 60.0

    def __init__(self) -> None:
        self._next: dict[str, tuple[int, float]] = {}

    def is_due(self, run: str, installation: Installation) -> bool:
        """Whether it is to be looked at for `run` now."""
        recorded, when = self._next.get(run, (-1, 0.0))
        return recorded != _recorded(installation) or installation.clock().monotonic >= when

    def note(self, run: str, installation: Installation, next_in: float | None) -> None:
        """It was looked at; the next level is due in so many seconds, or never."""
        wait = self.MOST if next_in is None else min(next_in, self.MOST)
        self._next[run] = _recorded(installation), installation.clock().monotonic + wait


def _recorded(installation: Installation) -> int:
    """What changes with each record."""
    try:
        return installation.state.log_path.stat().st_size
    except OSError:
        return -1


def call_next_levels(installation: Installation, clock: LadderClock | None = None) -> CalledNext:
    """Call the next level of each open incident of which that is due, for the runs that no command executes any more.

    A run that is alive does so itself, but not one that hangs, and was called for. One process does it at a time; what
    keeps one incident from it keeps no other. Who looks again and again keeps a `clock` for it.
    """
    clock = clock or LadderClock()
    calls: list[tuple[str, Call]] = []
    problems: list[str] = []
    state = installation.state
    runs = dict.fromkeys(each.run for each in Incidents(state.path / "incidents").all())
    waiting = [
        state.directory(run)
        for run in runs
        if clock.is_due(run, installation) and _is_left(state, state.directory(run))
    ]
    if not waiting:
        return CalledNext()
    with Outbox(state.path / "outbox").held() as ours:
        for directory in waiting if ours else ():
            try:
                with pager_of(directory.state, installation) as pager:
                    next_in = pager.climb()
                if pager.calls:
                    write_reports_anew(installation, directory.path.name)
                clock.note(directory.path.name, installation, next_in)
                calls += [(directory.path.name, call) for call in pager.calls]
                problems += [each.message for each in pager.unrecorded]
            except (RunbookError, OSError) as error:
                problems.append(f"nobody more can be called for the run {directory.path.name}: {error}")
    return CalledNext(tuple(calls), tuple(problems))


def level_that_follows(run: RunHistory, state: RunState, now: datetime) -> NextLevel | None:
    """The contacts who are called next while nobody acknowledges, and when; None where nobody follows.

    Raises:
        RunbookError: the runbook of the run, whose `state` that is, or its contacts cannot be read any more.
    """
    request = request_of(state)
    policy, so_far = request.source.runbook.escalation, called_levels(run.pages, run.news_since)
    if run.acknowledged or run.outcome in _OVER or run.ended_by:
        return None
    return following(levels(policy.contacts, request.contacts), request.contacts, policy.next_after, so_far, now)


@dataclass(frozen=True)
class Escalated:
    """A run for which a person has had somebody called: who was, and what went wrong besides."""

    run: str
    calls: tuple[Call, ...]
    problems: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether somebody has the page for sure."""
        return any(call.arrived for call in self.calls)


def escalate(installation: Installation, name: str, because: str) -> Escalated:
    """Call whom the runbook of the run `name` (its id, or `last`) names, `because` of what a person says.

    The run goes on, or stays, as it is. That it cannot be recorded keeps nobody from being called.

    Raises:
        InvalidInputError: there is no such run, it only looked, or no reason is given.
        RunbookError: the runbook or its contacts cannot be read any more.
    """
    state, because = find_run(installation.state, name).state, because.strip()
    if not because:
        raise InvalidInputError("--because is empty", hint="say in a few words why somebody is needed")
    if state.looks:
        raise InvalidInputError(f"the run {state.run} only looked: there is nothing to escalate")
    with pager_of(state, installation) as pager:
        pager.declare(_masked(because, state, installation))
        problems = [*pager.problems(), *(error.message for error in pager.unrecorded)]
    write_reports_anew(installation, state.run)
    return Escalated(state.run, tuple(pager.calls), tuple(dict.fromkeys(problems)))


def _masked(text: str, state: RunState, installation: Installation) -> str:
    """`text`, which a person has typed, without the secrets of the run: as they are now, and as the run knew them.

    What the inventory keeps encrypted only the run itself could read, and nobody waits for Ansible before somebody is
    called: it is known by its digests.
    """
    known = SecretDigests(installation.state.directory(state.run).path)
    return known.mask(Redaction(_secrets(state, installation)).text(text))


def _secrets(state: RunState, installation: Installation) -> Iterator[str]:
    """The secrets to which the inputs of the run refer; a password manager, or a person, is not asked for one."""
    for value in state.inputs.values():
        with contextlib.suppress(LookupError, OSError, ValueError, RunbookError):  # there is no such secret here
            if is_at_hand(SecretReference.parse(str(value))):
                yield installation.secrets(str(value))


def _is_left(state: StateDirectory, run: RunDirectory) -> bool:
    """Whether no command executes the run, or one that hangs, for which somebody was called."""
    return run.exists and (state.leases.was_called_for(run.path.name) or not run.live)


def _tell(
    installation: Installation, contacts: Mapping[str, Contact], page: Page, problems: list[str]
) -> list[SentPage]:
    """What came of telling whoever was called for the open incidents of the run that the `page` is about."""
    run = page.details["run"]
    with dispatcher_of(installation, problems) as dispatcher:
        incidents = filter(None, map(dispatcher.incidents.find, dispatcher.incidents.opened_by(run)))
        pages = [(replace(page, dedup_key=each.dedup_key), each.contacts) for each in incidents]
        return dispatcher.send(dispatcher.request(pages, run, contacts))


def _contacts(state: RunState, problems: list[str]) -> dict[str, Contact]:
    """The contacts that the run's library has by now; none where it cannot be read."""
    library = Library(Path(state.path).parent.parent)
    try:
        return dict(library.contacts(library.source(state.path)))
    except (RunbookError, OSError) as error:
        problems.append(f"the contacts of {state.runbook} cannot be read, so no channel is told: {error}")
        return {}


def _page(run: RunHistory, says: str, time: datetime) -> Page:
    return Page(
        action="acknowledge",
        dedup_key=run.run,  # in its place comes that of each incident
        summary=f"{run.runbook} {run.title} ({run.environment}): {says}",
        severity="info",
        source=", ".join(run.hosts) or run.environment or "unknown",
        component=run.runbook,
        group=run.environment,
        details={"run": run.run},
        timestamp=time,
    )
