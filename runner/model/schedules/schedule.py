"""`schedules:` of a runbook: when it is due, against which inventory, and what holds when its time has come."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, ValidationError, model_validator

from runner.core import duration
from runner.core.deferred import regex
from runner.core.fields import Keywords, Limit, Model, Several, Text, Title
from runner.core.identifiers import STEP_ID, Spelling
from runner.model.input import Value
from runner.model.names import HostPattern, Name
from runner.model.schedules.times import Times

_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_WINDOW = regex(rf"({_TIME})-({_TIME})")
_BY_WINDOW = "by window end"
_WAIT = regex(r"wait (\S+)")

LATE_OK = timedelta(minutes=10)
_LATEST = timedelta(days=1)
_SHORTEST = timedelta(minutes=1)


def _window(text: str) -> str:
    match = _WINDOW.fullmatch(text)
    if match is None or match[1] == match[2]:
        raise ValueError(f"must be two times of the day, like 22:00-04:00, not {text[:40]!r}")
    return text


def _finish(text: str) -> str:
    if text != _BY_WINDOW:
        try:
            duration.parse(text)
        except ValueError:
            raise ValueError(f"must be `{_BY_WINDOW}`, or a duration like 90m, not {text[:40]!r}") from None
    return text


def _overlap(text: str) -> str:
    match = _WAIT.fullmatch(text)
    if text not in {"skip", "refuse"} and not (match and re.fullmatch(duration.PATTERN, match[1])):
        raise ValueError(f"must be skip, refuse, or wait and a duration, like wait 30m, not {text[:40]!r}")
    return text


def _late(time: timedelta) -> timedelta:
    if time > _LATEST:
        raise ValueError("is more than a day; what is later than that is another occurrence, or work for a person")
    return time


def _not_too_often(time: timedelta) -> timedelta:
    if time < _SHORTEST:
        raise ValueError("is less than a minute; a scheduler looks once a minute")
    return time


ScheduleId = Annotated[str, Spelling(STEP_ID, "small letters and digits joined by -, like nightly")]
Window = Annotated[str, AfterValidator(_window), Keywords(pattern=f"^{_WINDOW.pattern}$")]
"""Two times of the day; what ends before it begins ends on the next day."""


class Pause(Model):
    """A schedule that does not count for a while: who wanted that, why, and the day on which it counts again."""

    by: Title
    why: Title
    until: date | None = Field(default=None, strict=False)


class Schedule(Model):
    """One schedule: `cron` in the time of `zone`, or `every` so much time since 1970 in UTC.

    Work begins at most `late_ok` after its time and within the `window`; with `finish` only if it usually takes less
    than is left until then. `if_missed` says what follows for what nobody looked at in time, `overlap` what follows
    while the run of the time before still goes on. `jitter` spreads the beginning, always by as much for an occurrence.
    A `drill` breaks the hosts as the runbook says under `drill`, and sees it mend them. With `approval_lead` people are
    asked what the run asks so long before its time.
    """

    id: ScheduleId
    cron: Text | None = None
    every: Annotated[Limit, AfterValidator(_not_too_often)] | None = None
    zone: Text | None = None
    inventory: Text
    limit: HostPattern | None = None
    inputs: dict[Name, Value] = {}
    reason: Title | None = None
    window: Window | None = None
    finish: Annotated[str, AfterValidator(_finish)] | None = None
    late_ok: Annotated[Limit, AfterValidator(_late)] = LATE_OK
    if_missed: Literal["skip", "latest", "ask"] = "skip"
    overlap: Annotated[str, AfterValidator(_overlap)] = "skip"
    jitter: Limit | None = None
    calendars: Several[Text] = ()
    paused: Pause | None = None
    on_missed: Several[Text] = ()
    kind: Literal["run", "drill"] = "run"
    approval_lead: Limit | None = None

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if (self.cron is None) == (self.every is None):
            raise ValueError("needs `cron` or `every`, and not both")
        if self.cron and self.times.names_an_hour and self.zone is None:
            raise ValueError("names an hour: write its zone, like Europe/Berlin, or UTC")
        if self.approval_lead and self.kind == "drill":
            raise ValueError("is a drill, which asks nobody; leave `approval_lead` out")
        if self.finish == _BY_WINDOW and self.window is None:
            raise ValueError(f"`finish: {_BY_WINDOW}` needs a `window`")
        return self

    @property
    def times(self) -> Times:
        """When it is due."""
        return Times(self.cron, self.every, self.zone)

    @property
    def written(self) -> dict[str, Any]:
        """What it says, as JSON has it, from which `read_schedule` makes it again; what is not said is left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def tz(self) -> ZoneInfo:
        """The zone in which it is meant.

        Raises:
            LookupError: no zone is called so; lint says that.
        """
        return self.times.tz

    @property
    def wait(self) -> timedelta:
        """For how long it waits for the run of the time before; nothing unless `overlap` says so."""
        match = _WAIT.fullmatch(self.overlap)
        return duration.parse(match[1]) if match else timedelta()

    def finished_by(self, planned: datetime, now: datetime) -> datetime | None:
        """When a run that begins `now` must have ended; None where nothing says so."""
        if self.finish is None:
            return None
        if self.finish == _BY_WINDOW:
            return self.window_end(now)
        return planned + duration.parse(self.finish)

    def is_open(self, now: datetime) -> bool:
        """Whether `now` is within the window, whose end does not belong to it."""
        if self.window is None:
            return True
        begin, end = self.window.split("-")
        time = now.astimezone(self.tz).strftime("%H:%M")
        return begin <= time < end if begin < end else time >= begin or time < end

    def window_end(self, now: datetime) -> datetime:
        """The end of the window in which `now` is."""
        assert self.window  # noqa: S101 - `finish` needs one
        local = now.astimezone(self.tz)
        hour, minute = map(int, self.window.split("-")[1].split(":"))
        end = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return end if end > local else end + timedelta(days=1)


def read_schedule(written: Mapping[str, Any], *, as_json: bool = True) -> Schedule | None:
    """The schedule that is `written` so, as JSON has it or else as a RUN- file does; None where it is none."""
    try:
        return Schedule.model_validate(written, strict=False if as_json else None)
    except ValidationError:
        return None
