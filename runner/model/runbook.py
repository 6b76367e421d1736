"""A runbook as it is written: the shape of a RUN- file."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, InstanceOf, Strict, WithJsonSchema, model_validator

from runner.core.fields import AtLeastOne, Limit, Model, OneOrSeveral, OrItem, Prose, Several, Title
from runner.core.identifiers import REFERENCE_ID, ReferenceId, RunbookId
from runner.kinds.invocation import Environment
from runner.kinds.values import OtherRunbook, beside
from runner.model.category import Category
from runner.model.escalation_policy import Escalation
from runner.model.input import Input, missing, read_all
from runner.model.names import Contact, HostPattern, Name
from runner.model.procedure.drill import Drill
from runner.model.procedure.rollback_triggers import RollbackTrigger
from runner.model.schedules.schedule import Schedule
from runner.model.severity import Severity
from runner.model.step import HandOver, Step


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


class FollowUp(Model):
    """What is left to do when the run is over; `ticket` is the contact through whose channel a ticket is opened."""

    do: Prose
    within: Limit | None = None
    ticket: Contact | None = None
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

    @property
    def instead(self) -> str:
        """What to use in its place, in words; empty where nothing is."""
        return f"use {self.replaced_by}" if self.replaced_by else ""


_IDS = {"type": "array", "items": {"type": "string", "pattern": REFERENCE_ID}}


class Runbook(Model):
    """A whole RUN- file.

    `serial` is how many hosts are worked on at a time (several numbers are a ramp), `max_failures` how many may fail,
    or be unreachable, before the run stops, `locks` names what only one run may use, `deadline` ends the run.
    `values` are files that set variables, `env` is part of the environment of each program that a step starts.
    `announce` names contacts who are told how a run goes, and are not called. `watch` names entries of the registry
    whose rollback triggers are looked at while it runs.
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
    values: OneOrSeveral[Annotated[str, beside("values/shop.yml")]] | None = None
    env: Environment = {}
    prerequisites: tuple[InstanceOf[Step], ...] = ()
    steps: AtLeastOne[InstanceOf[Step]]
    on_cancel: tuple[InstanceOf[Step], ...] = ()
    escalation: Escalation
    announce: Several[Contact] = ()
    follow_up: Several[FollowUp | Prose] = ()
    watch: Annotated[tuple[InstanceOf[RollbackTrigger], ...], WithJsonSchema(_IDS)] = ()
    links: Several[ReferenceId] = ()
    schedules: Several[Schedule] = ()
    drill: Annotated[tuple[InstanceOf[Drill], ...], OrItem()] = ()

    @model_validator(mode="after")
    def _works_on_somebody(self) -> Self:
        if self.serial and any(portion in {0, "0%"} for portion in self.serial):
            raise ValueError("`serial` is how many hosts are worked on at a time, which is at least 1")
        return self

    @model_validator(mode="after")
    def _can_be_rehearsed(self) -> Self:
        ids = [drill.id for drill in self.drill]
        if len(ids) > 1 and (None in ids or len(set(ids)) < len(ids)):
            raise ValueError("has several drills; give each an `id` of its own")
        for drill in self.drill:
            try:
                self.complete(drill.inputs)
            except ValueError as error:
                raise ValueError(f"the `inputs` of its `drill` do not fit: {error}") from None
        return self

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The value of every input: what is `given`, read as its type, else the default; of a secret, where it is.

        Raises:
            ValueError: some are not declared, missing, or not what they must be; the message tells of all of them.
        """
        values, wrong = read_all(self.inputs, given)
        named = {each.name for each in wrong}
        wrong += [each for each in missing(self.inputs, values) if each.name not in named]
        if wrong:
            raise ValueError("; ".join(map(str, wrong)))
        return values

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the inputs whose values are never written down."""
        return frozenset(name for name, item in self.inputs.items() if item.type == "secret")

    @property
    def asks_for_hosts(self) -> bool:
        """Whether an input is the name of a host."""
        return any(item.type == "host" for item in self.inputs.values())

    @property
    def procedure(self) -> tuple[Step, ...]:
        """The prerequisites and the steps, in the order in which they are done."""
        return (*self.prerequisites, *self.steps)

    @property
    def every_step(self) -> tuple[Step, ...]:
        """The same, and the steps that are done when somebody cancels."""
        return (*self.procedure, *self.on_cancel)

    @property
    def successors(self) -> tuple[OtherRunbook, ...]:
        """The runbooks that may take over: where a step fails, or a rollback trigger fires."""
        steps = (step.on_failure for step in self.procedure if isinstance(step.on_failure, HandOver))
        return (*steps, *(trigger.to for trigger in self.watch))

    @property
    def delegates(self) -> tuple[str, ...]:
        """Each name of a machine on which a step is done, or verified, for other hosts, once."""
        names = (name for step in self.every_step for name in (step.on, *step.machines) if name)
        return tuple(dict.fromkeys(names))

    def hosts_of(self, step: Step) -> str:
        """The host pattern on which `step` is done."""
        return step.hosts or self.hosts
