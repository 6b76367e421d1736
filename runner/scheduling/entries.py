"""The schedules of a library, also those of runbooks that do not load, with what keeps them from being begun."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.core import duration
from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.wording import first_line
from runner.library.index.library_index import LibraryIndex
from runner.library.library import Library
from runner.model.schedules.times import Times

if TYPE_CHECKING:
    from runner.model.schedules.schedule import Schedule

_CRITICAL = frozenset({"P0", "P1", "critical"})


@dataclass(frozen=True)
class ScheduleEntry:
    """One schedule of the `runbook`, by the `name` RUN-020/nightly; `place` is where it is written.

    `written` is what it says, as the record has it; empty where nobody knows when it is due. `fault` says why it cannot
    be begun; empty where it can. `tell` are the contacts who hear of what was missed or refused, `budget` is how long
    the runbook may take at most.
    """

    name: str
    runbook: str
    place: str
    written: Mapping[str, Any] = field(default_factory=dict)
    severity: str = ""
    fault: str = ""
    tell: tuple[str, ...] = ()
    budget: timedelta | None = None

    @cached_property
    def times(self) -> Times | None:
        """When it is due; None where nobody knows."""
        return Times.of(self.written) if self.written else None

    @cached_property
    def schedule(self) -> Schedule | None:
        """All that it says, for what is to be decided once it is due; None where nobody knows when it is."""
        from runner.model.schedules.schedule import read_schedule  # noqa: PLC0415 - a look at which nothing is due needs no model

        return read_schedule(self.written) if self.written else None

    @property
    def is_critical(self) -> bool:
        """Whether people are called at once when something is wrong with it."""
        return self.severity in _CRITICAL

    @property
    def when(self) -> str:
        """When it is due, as it is written."""
        if (times := self.times) is None:
            return "?"
        return f"every {duration.show(times.every)}" if times.every else f"{times.cron} {times.zone or 'UTC'}"

    def as_recorded(self) -> dict[str, Any]:
        """What the record has of it, from which `remembered` makes it again."""
        return {"written": self.written, "severity": self.severity, "tell": list(self.tell)}


Known = Mapping[str, ScheduleEntry]
"""Schedules as they were recorded last, by their names."""


def remembered(name: str, recorded: Mapping[str, Any]) -> ScheduleEntry | None:
    """The schedule of that `name` as it was `recorded`; None where it was taken out by then."""
    with suppress(LookupError, TypeError, ValueError):
        written, runbook = recorded["written"], name.partition("/")[0]
        found = ScheduleEntry(name, runbook, "", written, recorded["severity"], tell=tuple(recorded["tell"]))
        return found if found.times else None
    return None


def entries(library: Library, only: str | None = None, known: Known | None = None) -> list[ScheduleEntry]:
    """Every schedule of `library`, in the order of their names; with `only` those of that name, or of that runbook.

    One that nobody can read any more is due as it was `known` before.
    """
    index = LibraryIndex(library, library.cache)
    found = [
        _due_as_known(entry, known or {})
        for file, kept, faults in index.columns("schedules", "faults")
        if file.startswith("RUN-")
        for entry in _of_file(file.removesuffix(".yml"), json.loads(kept), json.loads(faults), known or {})
    ]
    return [entry for entry in found if only in {None, entry.name, entry.runbook}]


def _due_as_known(entry: ScheduleEntry, known: Known) -> ScheduleEntry:
    if entry.written or entry.name not in known or known[entry.name].schedule is None:
        return entry
    return replace(known[entry.name], place=entry.place, fault=entry.fault)


def entry(library: Library, name: str, known: Known | None = None) -> ScheduleEntry:
    """The schedule of that name, as `entries` has it.

    Raises:
        InvalidInputError: there is none; the message names those that are.
    """
    found = entries(library, known=known)
    match = [each for each in found if each.name == name]
    if match and match[0].written:
        return match[0]
    if match:
        raise InvalidInputError(f"nobody can read when {name} is due: {match[0].fault}")
    names = ", ".join(each.name for each in found) or "none: a runbook has them under `schedules:`"
    raise InvalidInputError(f"there is no schedule {name!r}", hint=f"there is {names}")


def subject_of(library: Library, found: ScheduleEntry) -> str:
    """The hash of all that is approved with a schedule: itself, its runbook and playbook, and where its hosts are."""
    source = library.source(found.runbook)
    playbook = library.playbook(source)
    # The file of the runbook has the schedule, too; how this release reads it must not void what was approved.
    parts = [found.name, source.sha256, playbook.read_text(encoding="utf-8") if playbook.is_file() else ""]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _of_file(runbook: str, kept: Any, faults: Sequence[Any], known: Known) -> Iterator[ScheduleEntry]:
    """The schedules that the index has `kept` of a file; of one that is not even YAML those that were `known`."""
    if kept is None:
        yield from _of_unreadable(runbook, faults[0], known) if faults else ()
        return
    ids = [name for _, name, _ in kept["schedules"]]
    for number, (line, name, written) in enumerate(kept["schedules"]):
        if name in ids[:number]:  # lint has told of it; two of one name would begin one run
            continue
        place, wrong = f"{kept['file']}:{line}", Times.of(written).fault if written else ""
        twice = f"another schedule of {runbook} is called {name!r} as well" if ids.count(name) > 1 else ""
        fault = kept["fault"] or wrong or twice or kept["deprecated"]
        yield ScheduleEntry(
            f"{runbook}/{name}",
            runbook,
            place,
            {} if wrong else written,
            kept["severity"],
            fault=f"{place}: {fault}" if fault else "",
            tell=_tell(kept, written),
            budget=duration.parse(kept["deadline"]) if kept["deadline"] else None,
        )


def _of_unreadable(runbook: str, fault: Sequence[Any], known: Known) -> Iterator[ScheduleEntry]:
    file, line, message = fault[0], fault[1], first_line(str(fault[6]))
    place = f"{file}:{line}"
    for name in sorted(known):
        if name.startswith(f"{runbook}/") and known[name].schedule:
            yield replace(known[name], place=place, fault=f"{place}: {message}")


def _tell(kept: Mapping[str, Any], written: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom a schedule calls: those whom it names, or those of its runbook where that is critical."""
    return tuple(written.get("on_missed") or (kept["contacts"] if kept["severity"] in _CRITICAL else ()))


def paused(schedule: Schedule, today: date) -> str:
    """By whom and why the file says that it does not count today; empty where it does."""
    pause = schedule.paused
    if pause is None or (pause.until and today >= pause.until):
        return ""
    return f"by {pause.by}{f' until {pause.until}' if pause.until else ''}: {pause.why}"
