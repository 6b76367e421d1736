"""`runbooks/calendars.yml`: the times at which nothing planned begins, as intervals or as iCalendar files."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ValidationError, model_validator

from runner.core.errors import InvalidInputError
from runner.core.fields import Model, Several, Text, Title
from runner.model.yaml.document import load, located
from runner.model.yaml.finding import InvalidFileError, did_you_mean
from runner.model.yaml.yaml_file import read_file

_LARGEST = 1024**2
_MOST = 5_000
_TOO_OFTEN = ("SECONDLY", "MINUTELY", "HOURLY")


def _interval(text: str) -> str:
    begin, _, end = text.partition("/")
    try:
        ordered = _moment(begin, UTC) < _moment(end, UTC, end=True)
    except ValueError:
        raise ValueError(
            f"must be like 2026-12-20/2027-01-03 or 2026-12-20T18:00/2026-12-21T06:00, not {text[:60]!r}"
        ) from None
    if not ordered:
        raise ValueError(f"{text[:60]!r} ends before it begins")
    return text


def _moment(text: str, zone: tzinfo, *, end: bool = False) -> datetime:
    """The moment that `text` names in `zone`; of a day alone its beginning, or its `end`."""
    if len(text) == len("2026-12-20"):
        day = date.fromisoformat(text) + timedelta(days=end)
        return datetime.combine(day, time(), zone)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


Interval = Annotated[str, AfterValidator(_interval)]


class Calendar(Model):
    """Times that are `closed`, or all but those that are `open`; closed counts before open.

    Times without a zone of their own are in `zone`, else in that of the schedule. `ics` is a file beside this one. With
    `also_by_hand` people are refused as well.
    """

    title: Title
    zone: Text | None = None
    closed: Several[Interval] = ()
    open: Several[Interval] = ()
    ics: Text | None = None
    also_by_hand: bool = False

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.closed or self.open or self.ics):
            raise ValueError("needs `closed`, `open` or `ics`")
        return self

    def closed_at(self, now: datetime, zone: tzinfo, events: Callable[[str], Any]) -> bool:
        """Whether it is closed at `now`, for a schedule in `zone`; `events` are those of an iCalendar file.

        Raises:
            InvalidInputError: its iCalendar file cannot be used.
        """
        zone = ZoneInfo(self.zone) if self.zone else zone
        if any(_holds(each, now, zone) for each in self.closed):
            return True
        if self.ics and _has_event(events(self.ics), now, zone):
            return True
        return bool(self.open) and not any(_holds(each, now, zone) for each in self.open)


def _holds(interval: str, now: datetime, zone: tzinfo) -> bool:
    begin, _, end = interval.partition("/")
    return _moment(begin, zone) <= now < _moment(end, zone, end=True)


class Calendars:
    """The calendars in the file at `path`; none where it is not there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[str, Any] = {}

    @cached_property
    def all(self) -> Mapping[str, Calendar]:
        """Each calendar by its name.

        Raises:
            InvalidFileError: the file has faults.
        """
        if not os.path.lexists(self._path):
            return {}
        document = load(read_file(self._path, file=self._path.name), file=self._path.name)
        made, findings = {}, []
        for name, raw in document.value.items():
            try:
                made[name] = Calendar.model_validate(raw)
            except ValidationError as error:
                findings += located(document, error, at=(name,), model=Calendar)
        if findings:
            raise InvalidFileError(findings)
        return made

    def fault(self, names: Sequence[str]) -> str:
        """Why the calendars `names` cannot be asked; empty where they can."""
        try:
            for name in names:
                if name not in self.all:
                    return f"there is no calendar {name!r} in {self._path.name}{_near(name, self.all)}"
                if ics := self.all[name].ics:
                    self._events(ics)
        except InvalidInputError as error:
            return error.message.splitlines()[0]
        return ""

    def closed(self, names: Sequence[str], now: datetime, zone: tzinfo) -> str:
        """The title of the first of `names` that is closed at `now`; empty where none is, or none can be asked."""
        if not names or self.fault(names):
            return ""
        found = (self.all[name] for name in names)
        return next((each.title for each in found if each.closed_at(now, zone, self._events)), "")

    def by_hand(self, now: datetime) -> tuple[str, str]:
        """The title of a calendar by which people are refused at `now`, and why one of them cannot be asked."""
        try:
            names = [name for name, each in self.all.items() if each.also_by_hand]
        except InvalidInputError as error:
            return "", error.message.splitlines()[0]
        return self.closed(names, now, UTC), self.fault(names)

    def _events(self, file: str) -> Any:
        """The events of the iCalendar file of that name, read once.

        Raises:
            InvalidInputError: it cannot be used.
        """
        if file not in self._read:
            self._read[file] = _read(self._path.parent / file)
        return self._read[file]


def _near(name: str, names: Mapping[str, Any]) -> str:
    near = did_you_mean(name, sorted(names))
    return f"; {near}" if near else ""


def _has_event(events: Any, now: datetime, zone: tzinfo) -> bool:
    """Whether one of the `events` is at `now`; one that is cancelled or transparent is none."""
    # A day without a time is one of the schedule's zone, which the library does not know.
    found = events.between(now - timedelta(days=2), now + timedelta(days=2))
    return any(_closes(event, now, zone) for event in found)


def _closes(event: Any, now: datetime, zone: tzinfo) -> bool:
    if str(event.get("STATUS", "")) == "CANCELLED" or str(event.get("TRANSP", "")) == "TRANSPARENT":
        return False
    begin, end = event.start, event.end
    as_moment = lambda each: each if isinstance(each, datetime) else datetime.combine(each, time())  # noqa: E731
    begin, end = (each if each.tzinfo else each.replace(tzinfo=zone) for each in map(as_moment, (begin, end)))
    return bool(begin <= now < end)


def _read(path: Path) -> Any:
    """The events of the iCalendar file at `path`, as often as each comes back.

    Raises:
        InvalidInputError: it cannot be used, or what reads it is not installed.
    """
    try:
        import icalendar  # noqa: PLC0415 - only who names such a file needs it
        import recurring_ical_events  # noqa: PLC0415 - as the one before
    except ImportError:
        hint = "pip install 'runbookctl[calendars]'"
        raise InvalidInputError(f"{path.name} needs what reads iCalendar files", hint=hint) from None
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidInputError(f"{path.name} is larger than 1 MiB")
        calendar = icalendar.Calendar.from_ical(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path.name} is no iCalendar file that can be read: {error}") from None
    events = list(calendar.walk("VEVENT"))
    if len(events) > _MOST:
        raise InvalidInputError(f"{path.name} has more than {_MOST:,} events")
    for rule in _rules(events):
        if any(word in str(rule.get("FREQ", "")) for word in _TOO_OFTEN):
            raise InvalidInputError(f"{path.name} has an event that comes back more often than daily")
    return recurring_ical_events.of(calendar)


def _rules(events: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    for event in events:
        rules = event.get("RRULE", [])
        yield from rules if isinstance(rules, list) else [rules]
