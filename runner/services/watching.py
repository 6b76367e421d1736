"""What a watch does each time it looks, and when one has looked last."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field

from runner.core.events import Instant
from runner.orchestrator.run_environment import Installation
from runner.services.incident_response import CalledNext, call_next_levels
from runner.services.notifications import Flushed, flush_pages
from runner.services.runs import Recovery, recover_abandoned
from runner.store.state_directory import StateDirectory

LOOKS_EVERY = 5.0
"""Seconds between two looks of a watch."""

_STALE = 60.0
_MARK = "watch"


@dataclass(frozen=True)
class Look:
    """What a look has done: for runs that died, for pages that waited, for incidents that nobody has yet."""

    recovery: Recovery
    flushed: Flushed
    called_next: CalledNext = field(default_factory=CalledNext)

    @property
    def all_arrived(self) -> bool:
        """Whether nobody is left who was to be called and has no page."""
        sent = (*self.recovery.called.sent, *self.flushed.sent)
        calls = [call.arrived for recovered in self.recovery.runs for call in recovered.calls]
        calls += [call.arrived for _, call in self.called_next.calls]
        not_called = any(recovered.not_called for recovered in self.recovery.runs)
        return not not_called and all(calls) and all(each.receipt.settled for each in sent)


def look(installation: Installation) -> Look:
    """Call for what died since, send what waits, call whose turn it is, and note that a watch has looked."""
    recovery, flushed = recover_abandoned(installation), flush_pages(installation, brief=True)
    looked = Look(recovery, flushed, call_next_levels(installation))
    _note_look(installation.state, installation.clock())
    return looked


def _note_look(state: StateDirectory, now: Instant) -> None:
    """Keep when it was, by the clock that no jump moves, in the time of a small file."""
    path, nanoseconds = state.path / _MARK, int(now.monotonic * 1e9)
    with suppress(OSError):  # on a full disk people are called all the same
        path.write_text(now.boot_id, encoding="utf-8")
        os.utime(path, ns=(nanoseconds, nanoseconds))


@dataclass(frozen=True)
class LastLook:
    """When a watch has looked last: so many `seconds` ago, None if none has since the machine was started."""

    seconds: float | None

    @property
    def is_recent(self) -> bool:
        """Whether a watch is at work."""
        return self.seconds is not None and self.seconds < _STALE


def last_look(state: StateDirectory, now: Instant) -> LastLook:
    """When a watch has looked last at `state`."""
    path = state.path / _MARK
    try:
        boot, looked = path.read_text(encoding="utf-8"), path.stat().st_mtime
    except OSError:
        return LastLook(None)
    return LastLook(max(0.0, now.monotonic - looked) if boot == now.boot_id else None)


def is_watched_for(state: StateDirectory) -> bool:
    """Whether a critical run is going on, or has died without anybody having been called."""
    return bool(state.leases.all())
