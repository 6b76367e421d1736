"""The instants at which a schedule is due, and by how much each of them is spread."""

import hashlib
import heapq
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim

from runner.model.schedules.times import Times

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_BACK = timedelta(hours=3)
"""A clock is put back by less than this."""


def instants(times: Times, after: datetime, until: datetime) -> Iterator[datetime]:
    """The instants in UTC after `after`, up to and including `until`, in order, each once.

    A local time that a change of the clock leaves out comes at the first instant after it, one that comes twice the
    first time. Where neither the minute nor the hour is fixed, as in `*/30`, it goes by elapsed time. A date that a
    zone left out has no instant.
    """
    last = after
    for instant in _elapsed(times.every, after) if times.every else _by_cron(times, after, until):
        if instant > until:
            return
        if instant > last:
            last = instant
            yield instant


def _elapsed(every: timedelta, after: datetime) -> Iterator[datetime]:
    number = (after - _EPOCH) // every
    while True:
        number += 1
        yield _EPOCH + number * every


def _by_cron(times: Times, after: datetime, until: datetime) -> Iterator[datetime]:
    """The instants after `after`, a few before it and a few after `until`."""
    zone, fixed = times.tz, _is_fixed(times)
    last = until.astimezone(zone).replace(tzinfo=None) + _BACK
    waiting: list[datetime] = []
    # Local times are counted without a zone, which is then looked at here: cronsim itself misses some of half an hour.
    for naive in CronSim(times.fields, after.astimezone(zone).replace(tzinfo=None, microsecond=0) - _BACK):
        if naive > last:  # which saves looking for the one after it, a year away perhaps
            break
        found = _in_utc(naive, zone, fixed=fixed)
        while waiting and found and waiting[0] <= found[0]:
            yield heapq.heappop(waiting)
        for instant in found:
            heapq.heappush(waiting, instant)
    yield from sorted(waiting)


def _is_fixed(times: Times) -> bool:
    """Whether it is for certain hours of the day, and not for so much time after the last one, as cron tells them."""
    minute, hour, *_ = times.fields.split()
    return not (minute.startswith("*") or hour.startswith("*"))


def _in_utc(naive: datetime, zone: tzinfo, *, fixed: bool) -> list[datetime]:
    """When clocks in `zone` show `naive`: once or twice; where they never do, the moment at which they pass over it."""
    early, late = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if late < early:  # clocks pass over it
        whole_day = early - late >= _DAY
        return [] if whole_day or not fixed else [_change(late, early, zone)]
    return [early] if fixed or late == early else [early, late]


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The instant at which clocks in `zone` were put ahead, between two others."""
    ahead, second = after.astimezone(zone).utcoffset(), timedelta(seconds=1)
    while after - before > second:
        middle = before + (after - before) // (2 * second) * second
        before, after = (before, middle) if middle.astimezone(zone).utcoffset() == ahead else (middle, after)
    return after


def spread(schedule: str, instant: datetime, jitter: timedelta | None) -> timedelta:
    """How long after `instant` the schedule of that name begins: as any other scheduler says of this occurrence."""
    if not jitter:
        return timedelta()
    digest = hashlib.sha256(f"{schedule}@{instant.isoformat()}".encode()).digest()
    return jitter * (int.from_bytes(digest[:8], "big") / 2**64)


def change_of_clock(times: Times, instant: datetime) -> str:
    """What a change of the clock does to the occurrence at `instant`, in a sentence; empty where it does nothing."""
    if not (times.cron and _is_fixed(times)):
        return ""
    zone = times.tz
    local = instant.astimezone(zone)
    for naive in CronSim(times.fields, local.replace(tzinfo=None) - _BACK):
        if naive > local.replace(tzinfo=None):
            break
        if naive < local.replace(tzinfo=None) and _in_utc(naive, zone, fixed=True) == [instant]:
            return f"{naive:%H:%M} does not exist on {local.day} {local:%B}; {local:%H:%M} instead"
    if local.replace(fold=1).astimezone(UTC) > local.replace(fold=0).astimezone(UTC):
        return f"{local:%H:%M} comes twice on {local.day} {local:%B}; it begins the first time"
    return ""
