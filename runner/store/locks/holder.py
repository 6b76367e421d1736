"""Who holds a lock: a note for people, and for the runs that belong together."""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Self

from runner.core.deferred import dataclass
from runner.core.duration import show
from runner.core.events import Instant
from runner.core.process_stat import parent


@dataclass(frozen=True, slots=True)
class Holder:
    """The run `run` of `runbook`, which `user` started on the machine `host` as process `pid`.

    `tree` is the first of the runs that belong together, by being resumed or handed over; empty when that is `run`.
    `step` is where the run is. Without a `run` it is the drills of `runbook`, of which there may be several.
    """

    run: str
    runbook: str
    user: str
    host: str
    pid: int
    since: Instant
    tree: str = ""
    step: str = ""

    def note(self, name: str) -> str:
        """What is written into the file of the lock `name`."""
        return json.dumps({"lock": name, **asdict(self)}, default=str) + "\n"

    @classmethod
    def read(cls, note: str) -> tuple[str, Self | None]:
        """The lock that a note is about, and its holder; empty and None where it does not say."""
        name = ""
        try:
            data = json.loads(note)
            name, since = str(data["lock"]), data["since"]
            wall = datetime.fromisoformat(since["wall"])
            instant = Instant(wall, float(since["monotonic"]), str(since["boot_id"]))
            words = {key: str(data[key]) for key in ("run", "runbook", "user", "host", "tree", "step")}
            return name, cls(**words, pid=int(data["pid"]), since=instant)
        except (ValueError, TypeError, LookupError, RecursionError):
            return name, None

    def is_relative(self, other: Self) -> bool:
        """Whether `other`, who is in this process, is of the same tree, and started by this one."""
        return (self.tree or self.run) == (other.tree or other.run) and _is_ours(self.pid)

    def age(self, now: Instant) -> timedelta:
        """How long it has been the holder; by the monotonic clock where that has not begun anew since."""
        return timedelta(seconds=now.since(self.since))

    def sentence(self, now: Instant) -> str:
        """Who it is, and since when, for a person."""
        at = f" at the step {self.step}" if self.step else ""
        whole = timedelta(seconds=int(self.age(now).total_seconds()))
        work = f"run {self.run} of {self.runbook}" if self.run else f"a drill of {self.runbook}"
        return f"{self.user} on {self.host} (pid {self.pid}): {work}{at}, for {show(whole)}"


@dataclass(frozen=True, slots=True)
class Blocked:
    """Locks that somebody else has; None is somebody whose note cannot be read."""

    names: tuple[str, ...]
    holder: Holder | None

    def sentence(self, now: Instant) -> str:
        """The same for a person."""
        who = self.holder.sentence(now) if self.holder else "a process that does not say who it is"
        return f"{', '.join(self.names)} {'is' if len(self.names) == 1 else 'are'} held by {who}"


def blocked(found: Iterable[tuple[str, Holder | None]]) -> Sequence[Blocked]:
    """The locks by their holders."""
    names: dict[Holder | None, list[str]] = {}
    for name, holder in found:
        names.setdefault(holder, []).append(name)
    return [Blocked(tuple(each), holder) for holder, each in names.items()]


def _is_ours(pid: int) -> bool:
    """Whether `pid` is this process, or one that it descends from."""
    current = os.getpid()
    while current > 0:
        if current == pid:
            return True
        current = parent(current)
    return False
