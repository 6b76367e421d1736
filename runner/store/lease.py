"""Leases: a process renews one while it lives; whoever finds one that is not renewed any more calls people for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from runner.core.deferred import dataclass
from runner.core.events import Clock, Instant
from runner.core.process_stat import is_stopped, started
from runner.store import durable
from runner.store.locks.kernel_locks import held_alone
from runner.store.small_files import SmallFiles

if TYPE_CHECKING:
    from pydantic import TypeAdapter

RENEWED_EVERY = 5.0
"""Seconds after which a process renews its lease."""

SILENT_AFTER = 45.0
"""Seconds without a renewal after which a process that still exists counts as hung."""

_CALLED = 0
_LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What is left of a process when it has died: `name` is the id of its run, or the name of its loop.

    `pid` was started at `process_started` (ticks since the boot), and had the lease at the instant `since`. `calls` are
    the notifications, as JSON, that are to be sent once it is dead: all that a page needs when nobody is left to ask.
    `machine` is the only one on which its process can be looked for; empty where that does not matter.
    """

    name: str
    since: Instant
    pid: int
    process_started: int
    calls: tuple[Mapping[str, Any], ...]
    machine: str = ""

    @classmethod
    def ours(cls, name: str, now: Instant, calls: Sequence[Mapping[str, Any]], *, machine: str = "") -> Lease:
        """The lease of this process."""
        pid = os.getpid()
        begun = started(pid) or 0
        return cls(name=name, since=now, pid=pid, process_started=begun, calls=tuple(calls), machine=machine)


Standing = Literal["alive", "hung", "dead"]


def standing(lease: Lease, renewed: float, now: Instant, started: Callable[[int], int | None] = started) -> Standing:
    """What became of the process that had `lease`, and `renewed` it at that second of the monotonic clock.

    Only another boot, the end of the process and the monotonic clock decide. That clock stands still while the machine
    is suspended, and no jump of the wall clock moves it. `started` says when the process of a number was started.
    """
    if lease.since.boot_id != now.boot_id or started(lease.pid) != lease.process_started:
        return "dead"
    return "hung" if _silent_for(lease, renewed, now) > SILENT_AFTER else "alive"


def _silent_for(lease: Lease, renewed: float, now: Instant) -> float:
    """The seconds since the process that has `lease` has renewed it."""
    last = renewed if lease.since.monotonic <= renewed <= now.monotonic else lease.since.monotonic
    return now.monotonic - last


@dataclass(frozen=True, slots=True)
class Silence:
    """That a process exists and gives no sign of life: its number, whether it is `stopped`, and since when.

    `since` is None once people were called for it: that takes the place of its latest renewal.
    """

    pid: int
    stopped: bool
    since: datetime | None = None

    @property
    def words(self) -> str:
        """The same in words, the end of a sentence about what the process does."""
        when = f" since {self.since:%H:%M:%S} UTC" if self.since else " any more"
        how = "is stopped (SIGSTOP or Ctrl-Z)" if self.stopped else "hangs"
        return f"gives no sign of life{when}; its process {self.pid} still exists, and {how}"


def silence_of(lease: Lease, renewed: float, now: Instant) -> Silence:
    """The silence of the process that had `lease`, hangs, and `renewed` it at that second of the monotonic clock."""
    since = None if renewed == _CALLED else now.wall - timedelta(seconds=_silent_for(lease, renewed, now))
    return Silence(lease.pid, is_stopped(lease.pid), since)


@cache
def _json() -> TypeAdapter[Lease]:
    """How a lease is written and read."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - where there is no lease nobody waits for it

    return TypeAdapter(Lease)


class Leases:
    """One small file for each lease, in the directory `path`.

    Its time of modification is the monotonic clock at the latest renewal, or 0 once people were called for it: a full
    disk keeps neither from being noted, and a process that is alive after all takes the note back by renewing. Where
    the disk is read-only it is noted in memory for which renewal they were called.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._called = SmallFiles(path / "called")

    def _file(self, name: str) -> Path:
        return self._path / f"{name}.json"

    def write(self, lease: Lease) -> None:
        """Keep `lease`, in the place of the one of that name; durable on return.

        Raises:
            AuditError: it cannot be kept.
        """
        durable.keep(self._file(lease.name), _json().dump_json(lease))

    def renew(self, name: str, now: Instant) -> None:
        """Say that the process that has the lease `name` is alive.

        Raises:
            OSError: there is no such lease.
        """
        self._stamp(name, int(now.monotonic * 1e9))

    def remove(self, name: str) -> None:
        """Forget the lease `name`: its process has ended well, or people were called for it."""
        self._called.remove(name)
        self._file(name).unlink(missing_ok=True)

    def all(self, problems: list[str] | None = None) -> list[tuple[Lease, float]]:
        """Every lease, with its latest renewal by the monotonic clock; why a file is none goes to `problems`."""
        found = []
        for path in sorted(self._path.glob("*.json")):
            try:
                found.append((_json().validate_json(path.read_bytes()), path.stat().st_mtime))
            except FileNotFoundError:  # its process has just ended
                continue
            except (OSError, ValueError) as error:
                if problems is not None:
                    problems.append(f"{path} is not a lease: {str(error).splitlines()[0]}; remove it")
        return found

    def silence(self, name: str, now: Instant) -> Silence | None:
        """The silence of the process that has the lease `name`; None where it lives, is gone, or has none."""
        found = next((each for each in self.all() if each[0].name == name), None)
        return silence_of(*found, now) if found and standing(*found, now) == "hung" else None

    def note_called(self, name: str) -> None:
        """Note that people were called for the lease `name`, so that nobody calls them again.

        Raises:
            AuditError, OSError: that can be noted nowhere.
        """
        try:
            self._stamp(name, _CALLED)
        except FileNotFoundError:
            raise
        except OSError:
            self._called.write(name, str(self._file(name).stat().st_mtime_ns))

    def was_called_for(self, name: str) -> bool:
        """Whether people were called for the lease `name`."""
        try:
            renewed = self._file(name).stat().st_mtime_ns
            return renewed == _CALLED or self._called.read(name) == str(renewed).encode()
        except FileNotFoundError:
            return False

    def _stamp(self, name: str, nanoseconds: int) -> None:
        os.utime(self._file(name), ns=(nanoseconds, nanoseconds))

    def held(self) -> AbstractContextManager[bool]:
        """While the block lasts nobody else calls for a lease; False where another process does so just now.

        On a disk that cannot be locked on it is True: two calls are better than none.
        """
        return held_alone(self._path, _LOCK)

    @contextmanager
    def renewed(self, name: str, clock: Clock, *, every: float = RENEWED_EVERY) -> Iterator[None]:
        """While the block lasts the lease `name` is renewed; its end, however it comes, removes it."""
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(every):
                with suppress(OSError):
                    self.renew(name, clock())

        thread = threading.Thread(target=renew, name="runbook-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.remove(name)
