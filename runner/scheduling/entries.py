"""The schedules of a library, also those of runbooks that do not load, with what keeps them from being begun."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from runner.core.errors import InvalidInputError
from runner.core.wording import first_line
from runner.library.index.library_index import LibraryIndex
from runner.library.library import Library
from runner.model.schedule import Schedule, problem
from runner.model.yaml.document import load, read_file
from runner.model.yaml.finding import InvalidFileError


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """One schedule of the `runbook`, by the `name` RUN-020/nightly; `place` is where it is written.

    `fault` says why it cannot be begun; empty where it can. Without a `schedule` nobody knows when it is due.
    """

    name: str
    runbook: str
    place: str
    schedule: Schedule | None
    severity: str = ""
    fault: str = ""

    @property
    def is_critical(self) -> bool:
        """Whether people are called at once when something is wrong with it."""
        return self.severity in {"P0", "P1", "critical"}


def entries(library: Library, only: str | None = None) -> list[ScheduleEntry]:
    """Every schedule of `library`, in the order of their names; with `only` those of that name, or of that runbook."""
    index = LibraryIndex(library, library.cache)
    found = [
        entry
        for file, content, faults in index.columns("content", "faults")
        if "/" not in file
        for entry in _of_file(library, file.removesuffix(".yml"), json.loads(content), json.loads(faults))
    ]
    return [entry for entry in found if only in {None, entry.name, entry.runbook}]


def entry(library: Library, name: str) -> ScheduleEntry:
    """The schedule of that name.

    Raises:
        InvalidInputError: there is none; the message names those that are.
    """
    found = entries(library)
    match = [each for each in found if each.name == name and each.schedule]
    if match:
        return match[0]
    names = ", ".join(each.name for each in found) or "none: a runbook has them under `schedules:`"
    raise InvalidInputError(f"there is no schedule {name!r}", hint=f"there is {names}")


def subject_of(library: Library, found: ScheduleEntry) -> str:
    """The hash of all that is approved with a schedule: itself, its runbook and playbook, and where its hosts are."""
    source = library.source(found.runbook)
    playbook = library.playbook(source)
    schedule = found.schedule.model_dump_json() if found.schedule else ""
    parts = [found.name, schedule, source.sha256, playbook.read_text(encoding="utf-8") if playbook.is_file() else ""]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _of_file(library: Library, runbook: str, content: Any, faults: Sequence[Any]) -> Iterator[ScheduleEntry]:
    if content is None:
        yield from _of_broken(library, runbook, faults)
        return
    for number, raw in enumerate(content["schedules"]):
        schedule = _adapter().validate_python(raw, strict=False)
        line = content["positions"][f"schedules[{number}]"][0]
        place = f"{content['file']}:{line}"
        fault = _fault(schedule) or (f"{runbook} is deprecated" if content["deprecated"] else "")
        yield _entry(runbook, schedule, place, content["severity"], f"{place}: {fault}" if fault else "")


def _of_broken(library: Library, runbook: str, faults: Sequence[Any]) -> Iterator[ScheduleEntry]:
    """Of a file with faults: what of its schedules can be read, each of which is refused with the first fault."""
    path = library.root / "runbooks" / f"{runbook}.yml"
    file, line, message = faults[0][0], faults[0][1], faults[0][6]
    fault, place = f"{file}:{line}: {first_line(str(message))}", f"{file}:{line}"
    with suppress(InvalidFileError, OSError):
        value = load(read_file(path, file=str(file)), file=str(file)).value
        written = value.get("schedules")
        for raw in written if isinstance(written, list) else ():
            if (schedule := _lenient(raw)) is not None:
                yield _entry(runbook, schedule, place, str(value.get("severity", "")), fault)
            elif isinstance(raw, Mapping):
                yield ScheduleEntry(f"{runbook}/{raw.get('id', '?')}", runbook, place, None, fault=fault)


def _entry(runbook: str, schedule: Schedule, place: str, severity: Any, fault: str) -> ScheduleEntry:
    without_time = bool(schedule.cron and problem(schedule.cron)) or not _has_zone(schedule)
    known = None if without_time else schedule
    return ScheduleEntry(f"{runbook}/{schedule.id}", runbook, place, known, str(severity), fault)


def _lenient(raw: Any) -> Schedule | None:
    try:
        return Schedule.model_validate(raw)
    except ValidationError:
        return None


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
