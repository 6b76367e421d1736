"""What a watch does each time it looks, and what it says of itself to whoever asks whether there is one."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import field
from typing import TypeVar

from runner.core.deferred import dataclass
from runner.core.errors import explain
from runner.core.events import Instant
from runner.orchestrator.run_environment import Installation
from runner.services.dead_runs import not_callable
from runner.services.incident_response import CalledNext, LadderClock, call_next_levels
from runner.services.notifications import Flushed, flush_pages
from runner.services.runs import Recovery, recover_abandoned
from runner.store.state_directory import StateDirectory

LOOKS_EVERY = 5.0
"""Seconds between two looks of a watch."""

_STALE = 60.0
_MARK = "watch"

Found = TypeVar("Found")


@dataclass(frozen=True)
class Look:
    """What a look has done: for runs that died, for pages that waited, for incidents that nobody has yet.

    `not_callable` is whom the watch could not call for the critical runs that are going on; `defects` is why a part of
    the look was not done.
    """

    recovery: Recovery
    flushed: Flushed
    called_next: CalledNext = field(default_factory=CalledNext)
    not_callable: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()

    @property
    def all_arrived(self) -> bool:
        """Whether nobody is left who was to be called and has no page."""
        sent = (*self.recovery.called.sent, *self.flushed.sent)
        dead = (*self.recovery.runs, *self.recovery.unrecorded)
        calls = [call.arrived for recovered in dead for call in recovered.calls]
        calls += [call.arrived for _, call in self.called_next.calls]
        not_called = any(recovered.not_called for recovered in dead)
        return not (not_called or self.defects) and all(calls) and all(each.receipt.settled for each in sent)

    @property
    def problems(self) -> tuple[str, ...]:
        """What a person must mend, in sentences."""
        unrecorded = [f"a run that died cannot be recorded as abandoned: {self.recovery.failure}"]
        return (
            *self.defects,
            *(unrecorded if self.recovery.failure else ()),
            *self.recovery.called.problems,
            *self.flushed.problems,
            *self.called_next.problems,
            *(f"this watch could not call {each}" for each in self.not_callable),
        )


@dataclass(frozen=True)
class WatchMemory:
    """What is kept from look to look: when the ladders are due, and for which runs people were `called`.

    That people were called is on the disk; only where that is read-only nobody else knows.
    """

    ladders: LadderClock = field(default_factory=LadderClock)
    called: set[str] = field(default_factory=set)


def look(installation: Installation, memory: WatchMemory | None = None) -> Look:
    """Call for what died since, send what waits, call whose turn it is, and note that a watch has looked.

    Who looks again and again keeps a `memory` for it. Where nothing can be written people are called all the same.
    """
    memory, defects = memory or WatchMemory(), list[str]()
    looked = Look(
        _safely(lambda: recover_abandoned(installation, memory.called), Recovery(), defects),
        _safely(lambda: flush_pages(installation, only_due=True), Flushed(), defects),
        _safely(lambda: call_next_levels(installation, memory.ladders), CalledNext(), defects),
        _safely(lambda: not_callable(installation), (), defects),
        tuple(defects),
    )
    _note_look(installation.state, installation.clock(), looked.not_callable)
    return looked


def _safely(act: Callable[[], Found], otherwise: Found, defects: list[str]) -> Found:
    """What `act` finds; where it fails, which no other part of a look must suffer from, `otherwise`."""
    try:
        return act()
    except Exception as error:  # noqa: BLE001 - whatever it is, the next part is done
        defects.append(explain(error).message)
        return otherwise


def _note_look(state: StateDirectory, now: Instant, not_callable: tuple[str, ...]) -> None:
    """Keep when it was, by the clock that no jump moves, in the time of a small file."""
    path, nanoseconds = state.path / _MARK, int(now.monotonic * 1e9)
    with suppress(OSError):  # on a full disk people are called all the same
        path.write_text(json.dumps({"boot": now.boot_id, "not_callable": not_callable}), encoding="utf-8")
        os.utime(path, ns=(nanoseconds, nanoseconds))


@dataclass(frozen=True)
class LastLook:
    """When a watch has looked last: so many `seconds` ago; and whom it could not call."""

    seconds: float
    not_callable: tuple[str, ...] = ()


def last_look(state: StateDirectory, now: Instant) -> LastLook | None:
    """The last look of a watch at `state`; None if none has looked since the machine was started."""
    path = state.path / _MARK
    try:
        mark, looked = json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime
        if mark["boot"] != now.boot_id:
            return None
        return LastLook(max(0.0, now.monotonic - looked), tuple(map(str, mark["not_callable"])))
    except (OSError, ValueError, LookupError, TypeError):  # written just now, or never
        return None


def is_watched(state: StateDirectory, now: Instant) -> bool:
    """Whether a watch looks at `state`, as far as is known."""
    looked = last_look(state, now)
    return looked is not None and looked.seconds <= _STALE


def watch_in_words(state: StateDirectory, now: Instant) -> str:
    """Whether somebody would hear of it soon if the command of a critical run died, in a sentence for a person."""
    looked = last_look(state, now)
    if looked is None or looked.seconds > _STALE:
        return "no watch is running: should the command of a critical run die, nobody is called before the next command"
    but = f", and could not call {'; '.join(looked.not_callable)}" if looked.not_callable else ""
    return f"a watch looked {looked.seconds:.0f} s ago{but}"
