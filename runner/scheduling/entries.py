"""The schedules of a library, also those of runbooks that do not load, with what keeps them from being begun."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from runner.core import duration
from runner.core.errors import InvalidInputError
from runner.core.wording import first_line
from runner.library.index.library_index import LibraryIndex
from runner.library.library import Library
from runner.model.schedule import Schedule, problem
from runner.model.yaml.document import load, read_file
from runner.model.yaml.finding import InvalidFileError

_CRITICAL = frozenset({"P0", "P1", "critical"})


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """One schedule of the `runbook`, by the `name` RUN-020/nightly; `place` is where it is written.

    `fault` says why it cannot be begun; empty where it can. Without a `schedule` nobody knows when it is due. `tell`
    are the contacts who hear of what was missed or refused, `budget` is how long the runbook may take at most.
    """

    name: str
    runbook: str
    place: str
    schedule: Schedule | None
    severity: str = ""
    fault: str = ""
    tell: tuple[str, ...] = ()
    budget: timedelta | None = None

    @property
    def is_critical(self) -> bool:
        """Whether people are called at once when something is wrong with it."""
        return self.severity in _CRITICAL

    @property
    def when(self) -> str:
        """When it is due, as it is written."""
        if (schedule := self.schedule) is None:
            return "?"
        every = f"every {duration.show(schedule.every)}" if schedule.every else ""
        return every or f"{schedule.cron} {schedule.zone or 'UTC'}"

    def as_recorded(self) -> dict[str, Any]:
        """What the record has of it, from which `remembered` makes it again."""
        written = self.schedule.model_dump(mode="json", exclude_defaults=True) if self.schedule else {}
        return {"written": written, "severity": self.severity, "tell": list(self.tell)}


Known = Mapping[str, ScheduleEntry]
"""Schedules as they were recorded last, by their names."""


def remembered(name: str, recorded: Mapping[str, Any]) -> ScheduleEntry | None:
    """The schedule of that `name` as it was `recorded`; None where it was taken out by then."""
    with suppress(ValidationError, LookupError):
        schedule = _adapter().validate_python(recorded["written"], strict=False)
        runbook = name.partition("/")[0]
        return ScheduleEntry(name, runbook, "", schedule, recorded["severity"], tell=tuple(recorded["tell"]))
    return None


def entries(library: Library, only: str | None = None, known: Known | None = None) -> list[ScheduleEntry]:
    """Every schedule of `library`, in the order of their names; with `only` those of that name, or of that runbook.

    One that nobody can read any more is due as it was `known` before.
    """
    index = LibraryIndex(library, library.cache)
    found = [
        _due_as_known(entry, known or {})
        for file, content, faults in index.columns("content", "faults")
        if "/" not in file
        for entry in _of_file(library, file.removesuffix(".yml"), content, faults, known or {})
    ]
    return [entry for entry in found if only in {None, entry.name, entry.runbook}]


def _due_as_known(entry: ScheduleEntry, known: Known) -> ScheduleEntry:
    if entry.schedule or entry.name not in known:
        return entry
    return replace(known[entry.name], place=entry.place, fault=entry.fault)


def entry(library: Library, name: str, known: Known | None = None) -> ScheduleEntry:
    """The schedule of that name, as `entries` has it.

    Raises:
        InvalidInputError: there is none; the message names those that are.
    """
    found = entries(library, known=known)
    match = [each for each in found if each.name == name]
    if match and match[0].schedule:
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


def _of_file(library: Library, runbook: str, content: str, faults: str, known: Known) -> Iterator[ScheduleEntry]:
    if content == "null":
        yield from _of_broken(library, runbook, json.loads(faults), known)
        return
    summary, seen = json.loads(content), set[str]()
    for number, raw in enumerate(summary["schedules"]):
        schedule = _adapter().validate_python(raw, strict=False)
        if schedule.id in seen:  # lint has told of it; two of one name would begin one run
            continue
        seen.add(schedule.id)
        line = summary["positions"][f"schedules[{number}]"][0]
        place = f"{summary['file']}:{line}"
        fault = _fault(schedule) or _fault_beside(summary, schedule)
        made = _entry(runbook, schedule, place, summary["severity"], f"{place}: {fault}" if fault else "")
        tell = _tell(made, schedule.on_missed, summary["contacts"])
        yield replace(made, tell=tell, budget=duration.parse(summary["deadline"]) if summary["deadline"] else None)


def _fault_beside(summary: Mapping[str, Any], schedule: Schedule) -> str:
    """What of its runbook keeps a schedule that is good in itself from being begun."""
    if sum(each["id"] == schedule.id for each in summary["schedules"]) > 1:
        return f"another schedule of {summary['id']} is called {schedule.id!r} as well"
    return f"{summary['id']} is deprecated" if summary["deprecated"] else ""


def _of_broken(library: Library, runbook: str, faults: Sequence[Any], known: Known) -> Iterator[ScheduleEntry]:
    """Of a file with faults: what of its schedules can be read, or was `known`; the first fault refuses each."""
    path = library.root / "runbooks" / f"{runbook}.yml"
    file, line, message = faults[0][0], faults[0][1], faults[0][6]
    place = f"{file}:{line}"
    fault = f"{place}: {first_line(str(message))}"
    try:
        value = load(read_file(path, file=str(file)), file=str(file)).value
    except (InvalidFileError, OSError):  # not even YAML
        yield from (replace(known[name], place=place, fault=fault) for name in _names_of(runbook, known))
        return
    written = value.get("schedules")
    for raw in written if isinstance(written, list) else ():
        if isinstance(raw, Mapping):
            yield _of_raw(runbook, raw, value, place, fault)


def _names_of(runbook: str, known: Known) -> list[str]:
    return sorted(name for name in known if name.startswith(f"{runbook}/"))


def _of_raw(runbook: str, raw: Mapping[str, Any], value: Mapping[str, Any], place: str, fault: str) -> ScheduleEntry:
    """The schedule that stands as `raw` in a runbook with faults, of which `value` can be read."""
    name, severity = f"{runbook}/{raw.get('id', '?')}", str(value.get("severity", ""))
    policy = value.get("escalation")
    contacts = policy.get("contacts") if isinstance(policy, Mapping) else ()
    try:
        schedule = Schedule.model_validate(raw)
    except ValidationError:
        return ScheduleEntry(name, runbook, place, None, severity, fault)
    made = _entry(runbook, schedule, place, severity, fault)
    return replace(made, tell=_tell(made, schedule.on_missed, contacts if isinstance(contacts, list) else ()))


def _tell(entry: ScheduleEntry, on_missed: Sequence[str], contacts: Sequence[Any]) -> tuple[str, ...]:
    """Whom it calls: those whom it names, or those of its runbook where that is critical."""
    return tuple(on_missed or (map(str, contacts) if entry.is_critical else ()))


def _entry(runbook: str, schedule: Schedule, place: str, severity: Any, fault: str) -> ScheduleEntry:
    known = None if _fault(schedule) else schedule
    return ScheduleEntry(f"{runbook}/{schedule.id}", runbook, place, known, str(severity), fault)


def _fault(schedule: Schedule) -> str:
    if schedule.cron and (found := problem(schedule.cron)):
        return f"{schedule.cron!r} {found}"
    return "" if _has_zone(schedule) else f"no time zone is called {schedule.zone!r}"


def _has_zone(schedule: Schedule) -> bool:
    try:
        return bool(schedule.tz)
    except (LookupError, OSError, ValueError):
        return False


@cache
def _adapter() -> TypeAdapter[Schedule]:
    return TypeAdapter(Schedule)


def paused(schedule: Schedule, today: date) -> str:
    """By whom and why the file says that it does not count today; empty where it does."""
    pause = schedule.paused
    if pause is None or (pause.until and today >= pause.until):
        return ""
    return f"by {pause.by}{f' until {pause.until}' if pause.until else ''}: {pause.why}"
