"""What becomes of a planned instant: pure, from the schedule, the instant, and what is known when it is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from runner.core import duration
from runner.core.deferred import dataclass
from runner.scheduling.instants import spread

if TYPE_CHECKING:
    from runner.model.schedules.schedule import Schedule


class Fate(StrEnum):
    """What becomes of an occurrence; all but the first two are for good."""

    WAIT = "wait"
    BEGIN = "begin"
    RAN = "ran"
    MISSED = "missed"
    SKIPPED = "skipped"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The `fate` of an occurrence, and `why` in a sentence."""

    fate: Fate
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known at the instant `now` of a schedule that is called `name`.

    `fault` says why it cannot be begun at all, `closed` by which calendar the time is closed. `running` is the run of
    an earlier occurrence that still goes on, `ended` when the last one has ended; `usual` is how long a run takes at
    the slow end; None where nobody knows. `paused` says by whom and why it does not count now, `latest` whether no
    later instant is due by now.
    """

    name: str
    now: datetime
    fault: str = ""
    closed: str = ""
    running: str = ""
    ended: datetime | None = None
    usual: timedelta | None = None
    paused: str = ""
    latest: bool = True


def decide(schedule: Schedule, planned: datetime, known: Facts) -> Judgement:
    """What becomes of the occurrence of `schedule` at the instant `planned`, which has come."""
    ready = planned + spread(known.name, planned, schedule.jitter)
    if known.now < ready:
        return Judgement(Fate.WAIT, f"begins {_whole(ready - known.now)} later, as its jitter says")
    if known.paused:
        return Judgement(Fate.SKIPPED, f"paused {known.paused}")
    late, waited = known.now - _free(schedule, ready, known.ended), known.now - ready
    caught_up = ""
    if late > schedule.late_ok and not (known.running and waited <= schedule.wait + schedule.late_ok):
        if not _is_caught_up(schedule, known):
            return _missed(schedule, late)
        caught_up = f"caught up {_whole(late)} late"
    return _obstacle(schedule, planned, known, waited) or Judgement(Fate.BEGIN, caught_up)


def _free(schedule: Schedule, ready: datetime, ended: datetime | None) -> datetime:
    """From when on it could begin: as soon as the run for which it may wait has ended."""
    return max(ready, min(ended, ready + schedule.wait)) if ended else ready


def _is_caught_up(schedule: Schedule, known: Facts) -> bool:
    return schedule.if_missed == "latest" and known.latest and schedule.is_open(known.now)


def _missed(schedule: Schedule, late: timedelta) -> Judgement:
    why = f"nobody looked until {_whole(late)} after its time; at most {duration.show(schedule.late_ok)} late is good"
    ask = "; it is begun by catch-up, if somebody wants it" if schedule.if_missed == "ask" else ""
    return Judgement(Fate.MISSED, f"{why}{ask}")


def _obstacle(schedule: Schedule, planned: datetime, known: Facts, waited: timedelta) -> Judgement | None:
    """What keeps it from being begun now; None where nothing does."""
    if known.fault:
        return Judgement(Fate.REFUSED, known.fault)
    if known.closed:
        return Judgement(Fate.SKIPPED, f"closed: {known.closed}")
    if not schedule.is_open(known.now):
        local = known.now.astimezone(schedule.tz)
        return Judgement(Fate.SKIPPED, f"{local:%H:%M} is outside the window {schedule.window}")
    end = schedule.finished_by(planned, known.now)
    if end and known.usual and known.now + known.usual > end:
        local = end.astimezone(schedule.tz)
        return Judgement(
            Fate.SKIPPED, f"usually takes up to {_whole(known.usual)}, and must have ended by {local:%H:%M}"
        )
    if known.running:
        return _overlap(schedule, known.running, waited)
    return None


def _overlap(schedule: Schedule, running: str, waited: timedelta) -> Judgement:
    if waited < schedule.wait:
        return Judgement(Fate.WAIT, f"waits for the run {running}")
    after = f" after {duration.show(schedule.wait)}" if schedule.wait else ""
    fate = Fate.REFUSED if schedule.overlap == "refuse" else Fate.SKIPPED
    return Judgement(fate, f"the run {running} of an earlier occurrence still goes on{after}")


def _whole(time: timedelta) -> str:
    return duration.whole(time.total_seconds())
