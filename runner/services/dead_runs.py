"""Calls for what has died or hangs without calling anybody itself, by the lease that it left."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from runner.channels.base import SecretMissingError
from runner.core.errors import AuditError, InvalidInputError, LockedError, RunbookError
from runner.core.identifiers import is_run_id
from runner.escalation import outbox
from runner.escalation.delivery import Outgoing, outgoing
from runner.escalation.dispatch import SentPage
from runner.escalation.outbox import Notification
from runner.orchestrator.end.dead_man import pager_of
from runner.orchestrator.end.paging import DIED
from runner.orchestrator.recovery import end_of_dead, recorded_end
from runner.orchestrator.run_environment import Installation
from runner.services.notifications import Flushed, dispatcher_of
from runner.store.lease import RENEWED_EVERY, Lease, Leases, silence_of, standing
from runner.store.run_state import RunDirectory

_REBOOTED = "the machine was restarted while it was going on, and nobody knows how it ended"


def call_for_leases(
    installation: Installation, called_for: set[str] | None = None, *, pause: Callable[[float], None] = time.sleep
) -> Flushed:
    """Call whom each lease names whose process is dead or hangs, once; what came of it.

    A run whose command died is for `recover_abandoned` first, which ends what it left and tells more: what that could
    not call for is left to this. Of several processes that look at the same time, one calls. `pause` waits so many
    seconds: whoever seems to hang may just have been halted together with this process, as a paused virtual machine is.
    `called_for` are the leases that this process has called for, which a read-only disk keeps from being noted there.
    """
    called_for = set() if called_for is None else called_for
    leases, problems, sent = installation.state.leases, list[str](), list[SentPage]()
    if not leases.all(problems):
        return Flushed(problems=tuple(problems))
    with leases.held() as ours:
        here = {"", installation.actor.host}  # a process of another machine is looked for there
        found = [each for each in leases.all() if each[0].name not in called_for and each[0].machine in here]
        for lease, renewed in found if ours else ():
            became = standing(lease, renewed, installation.clock())
            if became == "hung":
                if _still_hangs(leases, lease, renewed, pause):
                    silence = silence_of(lease, renewed, installation.clock())
                    sent += _call(installation, lease, f"it {silence.words}", problems, called_for)
            elif became == "dead":
                with suppress(LockedError):  # recovered just now, or alive where its number means nothing to us
                    sent += _of_dead(installation, lease, problems, called_for)
    return Flushed(tuple(sent), tuple(problems))


def _still_hangs(leases: Leases, lease: Lease, renewed: float, pause: Callable[[float], None]) -> bool:
    """Whether `lease` is not renewed though its process has had the time; once it was called for that is known."""
    if leases.was_called_for(lease.name):
        return True
    pause(RENEWED_EVERY + 1.0)
    return (lease, renewed) in leases.all()


def not_callable(installation: Installation) -> tuple[str, ...]:
    """Whom this process could not call for the leases that there are, as it does not have a secret of their channel."""
    notifications = [each for lease, _ in installation.state.leases.all() for each in _notifications(lease, [])]
    pages = _sendable(notifications, [])
    found = [_missing(page, installation) for page in pages]
    return tuple(dict.fromkeys(filter(None, found)))


def _missing(page: Outgoing, installation: Installation) -> str:
    """Why `page` could not be sent from here; empty where nothing is missing."""
    try:
        if page.channel:
            page.channel.check(installation.secrets)
    except SecretMissingError as error:
        return f"{page.notification.contact} by {page.notification.by}: {error.message}"
    return ""


def _of_dead(installation: Installation, lease: Lease, problems: list[str], called_for: set[str]) -> list[SentPage]:
    """Call for a lease whose process is gone, unless its run has ended; nobody else works on the run meanwhile.

    Raises:
        LockedError: somebody else does just now.
    """
    leases, run = installation.state.leases, installation.state.directory(lease.name)
    reason = DIED if lease.since.boot_id == installation.clock().boot_id else _REBOOTED
    if not run.exists:
        if not is_run_id(lease.name):
            return _call(installation, lease, reason, problems, called_for)
        leases.remove(lease.name)  # it was refused before it had begun
        return []
    run.hold()
    try:
        status = _status(installation, run)
        sent = [] if status == "finished" else _call(installation, lease, reason, problems, called_for)
        if status != "running":
            with suppress(OSError):
                leases.remove(lease.name)
        return sent
    finally:
        run.release()


def _status(installation: Installation, run: RunDirectory) -> str:
    """What its state says of the run, or its record where that has its end; one that cannot be read has not ended."""
    with suppress(InvalidInputError):
        if (status := run.state.status) != "running":
            return status
    return "finished" if recorded_end(installation.state, run.path.name) else "running"


def _call(
    installation: Installation, lease: Lease, reason: str, problems: list[str], called_for: set[str]
) -> list[SentPage]:
    """Send the pages of `lease`, unless that was done; they are in the outbox before that is noted.

    On a disk that is read-only only this process knows that it was done.
    """
    leases: Leases = installation.state.leases
    if leases.was_called_for(lease.name):
        return []
    notifications = _folded(installation, lease, reason) or [
        _as_now(each, lease, reason, installation) for each in _notifications(lease, problems)
    ]
    with dispatcher_of(installation, problems) as pages:
        known = len(problems)
        pages.keep(notifications)
        notifications = [_with_problem(each, problems[known:]) for each in notifications]
        with suppress(AuditError, OSError):
            leases.note_called(lease.name)
        if not leases.was_called_for(lease.name):
            called_for.add(lease.name)
        return pages.send(list(_sendable(notifications, problems)))


def _folded(installation: Installation, lease: Lease, reason: str) -> list[Notification]:
    """The calls for the run of `lease`, with what its record tells of it by now; none where that tells nothing."""
    directory = installation.state.directory(lease.name)
    if not (is_run_id(lease.name) and directory.exists):
        return []
    with suppress(RunbookError, OSError):
        state = directory.state
        with pager_of(state, installation) as pager:
            end = None if pager.silence else end_of_dead(state, installation)
            return pager.calls_saying(reason, end) if pager.has_record else []
    return []


def _with_problem(notification: Notification, problems: Sequence[str]) -> Notification:
    """`notification` with the first of `problems`, why nothing is recorded of it, for whoever is called."""
    details = {"not recorded": problems[0]} if problems else {}
    page = notification.page
    return replace(notification, page=replace(page, details=details | dict(page.details)))


def _notifications(lease: Lease, problems: list[str]) -> Iterator[Notification]:
    for data in lease.calls:
        try:
            yield outbox.read(data)
        except ValueError as error:
            problems.append(f"whom to call for {lease.name} cannot be read: {str(error).splitlines()[0]}")


def _as_now(notification: Notification, lease: Lease, reason: str, installation: Installation) -> Notification:
    """What is sent now, for the `reason`, of what was prepared when the process had not died yet."""
    page, now = notification.page, installation.clock().wall
    details = {**page.details, "as known at": lease.since.wall.isoformat()}
    summary = page.summary.removesuffix(DIED) + reason
    return replace(notification, page=replace(page, summary=summary, details=details, timestamp=now), requested=now)


def _sendable(notifications: Iterable[Notification], problems: list[str]) -> Iterator[Outgoing]:
    for each in notifications:
        try:
            yield outgoing(each)
        except (LookupError, ValueError):  # its text may quote an option
            problems.append(f"the page to {each.contact} cannot be sent: its channel {each.by} is gone")
