"""A runbook as it is written: the shape of a RUN- file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, InstanceOf, Strict, Tag, model_validator

from runner.definition.finding import kind_of
from runner.definition.names import Contact, HostPattern, Name
from runner.definition.schedule import Schedule
from runner.definition.step import Step
from runner.duration import Limit, parse
from runner.fields import AtLeastOne, Model, OneOrSeveral, Prose, Several, Text, Title
from runner.identifiers import ReferenceId, RunbookId


class Category(StrEnum):
    """What a runbook is for."""

    INCIDENT = "incident"
    DEPLOYMENT = "deployment"
    MAINTENANCE = "maintenance"
    RECOVERY = "recovery"
    ESCALATION = "escalation"


Severity = Literal["P0", "P1", "P2", "P3", "critical", "warning", "info"]


class Trigger(Model):
    """What makes somebody reach for the runbook: an alert, or something that happens."""

    alert: ReferenceId | None = None
    condition: Prose | None = None
    event: Prose | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.alert is None and self.event is None:
            raise ValueError("needs an `alert` (a MON- id) or an `event` in words")
        return self


class Exclusion(Model):
    """A scenario that this runbook does not handle, and the one that does."""

    what: Prose
    see: RunbookId | None = None


class Scope(Model):
    """What the runbook covers, and what it does not."""

    handles: AtLeastOne[Prose]
    excludes: Several[Exclusion | Prose] = ()


class Input(Model):
    """A value that the person who starts the run may give with `-e name=value`."""

    type: Literal["string", "int", "number", "bool", "duration", "choice"] = "string"
    help: Title
    default: str | int | float | bool | None = None
    choices: Several[Text] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("`choices` goes with `type: choice`, and only with it")
        if self.default is None:
            return self
        if not isinstance(self.default, _TYPES[self.type]) or isinstance(self.default, bool) != (self.type == "bool"):
            given = kind_of(self.default)
            raise ValueError(f"the default of type {self.type} must be {_WORDS[self.type]}, not {given}")
        if isinstance(self.default, str) and "{{" in self.default:
            raise ValueError("the default is taken as it is written, so templates are not filled in here")
        try:
            self.read(self.default)
        except ValueError as error:
            raise ValueError(f"the default: {error}") from None
        return self

    def read(self, value: str | float) -> str | int | float | bool:
        """The typed value, given as text on the command line or as the YAML default.

        Raises:
            ValueError: it is not of this type, or not one of the choices.
        """
        text = str(value).lower() if isinstance(value, bool) else str(value)
        match self.type:
            case "bool":
                return _truth(text)
            case "int" | "number":
                return _number(text, whole=self.type == "int")
            case "duration":
                parse(text)
            case "choice" if text not in self.choices:
                raise ValueError(f"{text!r} is not one of {', '.join(self.choices)}")
        return text


_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "number": (int, float), "bool": (bool,)}
_TYPES = dict.fromkeys(("string", "duration", "choice"), (str,)) | _TYPES
_WORDS = dict.fromkeys(_TYPES, "text") | {
    "int": "a whole number",
    "number": "a number",
    "bool": "true or false",
    "duration": "a duration, like 5m",
}


def _truth(text: str) -> bool:
    if text not in {"true", "yes", "false", "no"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text in {"true", "yes"}


def _number(text: str, *, whole: bool) -> int | float:
    pattern = r"[-+]?[0-9]+" if whole else r"[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?"
    if not re.fullmatch(pattern, text) or not math.isfinite(float(text)):
        raise ValueError(f"{text!r} is not a {'whole ' * whole}number")
    return int(text) if whole else float(text)


def _portion(value: int | str) -> int | str:
    if isinstance(value, str) and not re.fullmatch(r"(?:100|[1-9]?[0-9])%", value):
        raise ValueError(f"must be a number of hosts or a share of them, like 2 or 25%, not {value[:20]!r}")
    if isinstance(value, int) and value < 0:
        raise ValueError("must not be less than 0")
    return value


Portion = Annotated[int | str, AfterValidator(_portion)]
"""Some of the hosts: a number, or a share such as `25%`."""


def _date(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"must be a date like 2026-01-31, not {text[:20]!r}")
    date.fromisoformat(text)
    return text


class Unresolved(Model):
    """Escalate when the run is not done after this long."""

    unresolved_for: Limit


class Declared(Model):
    """Escalate when the operator says that this is so."""

    declared: Title


def _one_reason(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() not in ({"unresolved_for"}, {"declared"}):
        raise ValueError("must be step_failed, {unresolved_for: 15m} or {declared: in your words}, one for each item")
    return value


def _reason(value: Any) -> str:
    if isinstance(value, dict):
        return str(next(iter(value)))
    return next(iter(value.model_fields_set)) if isinstance(value, Unresolved | Declared) else "word"


Reason = Annotated[
    Annotated[Unresolved, Tag("unresolved_for")]
    | Annotated[Declared, Tag("declared")]
    | Annotated[Literal["step_failed"], Tag("word")],
    Discriminator(_reason),
    BeforeValidator(_one_reason),
]
"""Why somebody is called."""


class Escalation(Model):
    """When somebody is called, who, and with what."""

    when: AtLeastOne[Reason]
    contacts: AtLeastOne[Contact]
    provide: AtLeastOne[Title]


class FollowUp(Model):
    """What is left to do when the run is over."""

    do: Prose
    within: Limit | None = None
    if_: Annotated[Literal["escalated", "failed", "passed"] | None, Field(alias="if")] = None


class Deprecated(Model):
    """Since when (YYYY-MM-DD) a runbook is not used any more, what is used instead, and why. Its id stays taken."""

    since: Annotated[str, AfterValidator(_date)]
    replaced_by: RunbookId | None = None
    reason: Title | None = None

    @property
    def says(self) -> str:
        """The same in words."""
        why = f": {self.reason}" if self.reason else ""
        return f"deprecated since {self.since}{why}"


class Runbook(Model):
    """A whole RUN- file.

    `serial` is how many hosts are worked on at a time (several numbers are a ramp), `max_failures` how many may fail,
    or be unreachable, before the run stops, `locks` names what only one run may use, `deadline` ends the run.
    """

    id: RunbookId
    title: Title
    deprecated: Deprecated | None = None
    category: Annotated[Category, Strict(strict=False)]
    severity: Severity
    owner: Contact
    trigger: Trigger
    scope: Scope
    hosts: HostPattern
    max_hosts: Annotated[int, Field(ge=1)] | None = None
    serial: OneOrSeveral[Portion] | None = None
    max_failures: Portion = 0
    locks: Several[Contact] = ()
    deadline: Limit | None = None
    inputs: dict[Name, Input] = {}
    prerequisites: tuple[InstanceOf[Step], ...] = ()
    steps: AtLeastOne[InstanceOf[Step]]
    on_cancel: tuple[InstanceOf[Step], ...] = ()
    escalation: Escalation
    follow_up: Several[FollowUp | Prose] = ()
    links: Several[ReferenceId] = ()
    schedules: Several[Schedule] = ()

    @model_validator(mode="after")
    def _works_on_somebody(self) -> Self:
        if self.serial and any(portion in {0, "0%"} for portion in self.serial):
            raise ValueError("`serial` is how many hosts are worked on at a time, which is at least 1")
        return self

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The value of every input: what is `given`, read as its type, else the default.

        Raises:
            ValueError: one is not declared, is missing or is not of its type; the message begins with its name.
        """
        if strange := sorted(set(given) - set(self.inputs)):
            raise ValueError(f"{strange[0]}: {self.id} has no such input")
        if missing := [name for name, item in self.inputs.items() if item.default is None and name not in given]:
            raise ValueError(f"{missing[0]}: {self.id} needs a value for it")
        values = {name: item.default for name, item in self.inputs.items()}
        for name, value in given.items():
            try:
                values[name] = self.inputs[name].read(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return values

    @property
    def procedure(self) -> tuple[Step, ...]:
        """The prerequisites and the steps, in the order in which they are done."""
        return (*self.prerequisites, *self.steps)

    def hosts_of(self, step: Step) -> str:
        """The host pattern on which `step` is done."""
        return step.hosts or self.hosts
