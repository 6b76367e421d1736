"""Whether the wall clock can be believed: by the clock that counts since the boot, and by what was decided."""

from dataclasses import replace
from datetime import datetime, timedelta

from runner.core import duration
from runner.core.deferred import dataclass

JUMP = timedelta(seconds=5)
"""By more than this no clock drifts between two looks."""
STEADY = timedelta(minutes=10)
_DAY = timedelta(days=1)
_BACKWARDS = "the clock shows a time before the last decision"


@dataclass(frozen=True, slots=True)
class Clocks:
    """One look at the clocks of a machine: the wall, and seconds since the `boot` of that id, suspended time included.

    `is_set` says whether the kernel has been told by a time server that the wall is right.
    """

    wall: datetime
    since_boot: float
    boot: str
    is_set: bool


@dataclass(frozen=True, slots=True)
class Trust:
    """What the last look saw, and why nothing is decided; empty where the clock is believed.

    `steady_since` is the second since the boot from which on the clocks have agreed again; with `needs_word` only a
    person can say that the time is right.
    """

    seen: Clocks
    held: str = ""
    steady_since: float = 0.0
    needs_word: bool = False


def check(before: Trust | None, now: Clocks, last_decided: datetime | None) -> Trust:
    """Whether `now` can be believed, after what was seen `before` and the wall time of the last decision."""
    jump = _jump(before, now)
    backwards = last_decided is not None and now.wall < last_decided - JUMP
    if before and jump is not None and abs(jump) <= JUMP:
        return _steady(replace(before, seen=now), backwards=backwards)
    if jump is not None:
        way = "ahead" if jump > timedelta() else "back"
        far = jump > _DAY and not now.is_set
        return Trust(
            now,
            f"the clock was put {way} by {duration.whole(abs(jump).total_seconds())}",
            now.since_boot,
            needs_word=far,
        )
    if backwards:
        return Trust(now, _BACKWARDS, now.since_boot, needs_word=True)
    if before and not now.is_set:
        far = now.wall - before.seen.wall > _DAY
        return Trust(now, "the machine was started, and no time server has set its clock", now.since_boot, far)
    return Trust(now)


def _jump(before: Trust | None, now: Clocks) -> timedelta | None:
    """By how much the wall went ahead of the time that passed; None where nobody knows that."""
    if before is None or before.seen.boot != now.boot:
        return None
    passed = timedelta(seconds=now.since_boot - before.seen.since_boot)
    return now.wall - before.seen.wall - passed


def _steady(trust: Trust, *, backwards: bool) -> Trust:
    """The same after a look at which the clocks have agreed."""
    if not trust.held:
        return replace(trust, held=_BACKWARDS, needs_word=True) if backwards else trust
    steady = timedelta(seconds=trust.seen.since_boot - trust.steady_since) >= STEADY
    released = steady and not backwards and (trust.seen.is_set or not trust.needs_word)
    return Trust(trust.seen) if released else trust
