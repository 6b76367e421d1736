"""One step of a procedure as it is written: what is done, how one sees that it worked, and what follows when not."""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, InstanceOf, Strict, Tag, model_validator
from pydantic.json_schema import SkipJsonSchema

from runner.core.fields import AtLeastOne, Keywords, Limit, Model, OneOrSeveral, Prose, Several, Short, Text, Title
from runner.core.identifiers import RUNBOOK_ID, OneHost, ReferenceId, Spelling, StepId
from runner.kinds.steps.base import StepKind
from runner.kinds.values import Condition, ExitCode, Expression, Notice, OtherRunbook
from runner.model.names import Contact, HostPattern, Name
from runner.model.procedure.each import Each, read_each
from runner.model.verification import Verification

MOST_VERIFICATIONS = 99
MOST_ATTEMPTS = 10
MOST_APPROVERS = 9

Key = Annotated[str, Spelling(r"^[A-Za-z_][A-Za-z0-9_]*$", "letters, digits and _, like pid or nodeName")]
"""What a part of a row is called: as whoever answers calls it, be it a database or a program."""

Verifications = Annotated[AtLeastOne[InstanceOf[Verification]], Field(max_length=MOST_VERIFICATIONS)]


class Effect(StrEnum):
    """What a step does to its hosts."""

    READ = "read"
    CHANGE = "change"
    DESTRUCTIVE = "destructive"


class Undo(Model):
    """How the change of a step is undone, and how that is verified."""

    action: InstanceOf[StepKind]
    verify: Verifications


class Approval(Model):
    """What is asked before the step is done: `min` different people must say yes within `expires`, or it is not done.

    With a `group`, a contact that names its `members`, only these may say yes; anybody may say no.
    """

    says: Title
    min: Annotated[int, Field(ge=1, le=MOST_APPROVERS)] = 1
    group: Contact | None = None
    expires: Limit = timedelta(hours=1)


def _approval(value: Any) -> Any:
    return {"says": value} if isinstance(value, str) else value


class Choice(Model):
    """What the operator picks from: the captured list `from`, of whose rows the value of `field` is kept."""

    from_: Annotated[Name, Field(alias="from")]
    field: Key | None = None


class Retry(Model):
    """How often a failed action is tried again: `attempts` in all, `delay` apart, each time `backoff` times as long.

    Without `exit_codes` every failure is worth another attempt, else only a command that ends with one of these.
    """

    attempts: int
    delay: Limit = timedelta(seconds=1)
    backoff: float = 1.0
    exit_codes: OneOrSeveral[ExitCode] | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not 2 <= self.attempts <= MOST_ATTEMPTS:  # noqa: PLR2004 - one attempt is no retry
            raise ValueError(f"`attempts` counts the first one too, and is a number from 2 to {MOST_ATTEMPTS}")
        if not 1 <= self.backoff <= MOST_ATTEMPTS:
            raise ValueError(f"`backoff` multiplies the delay, and is a number from 1 to {MOST_ATTEMPTS}")
        return self

    @property
    def pauses(self) -> tuple[timedelta, ...]:
        """The pause before each attempt but the first."""
        return tuple(self.delay * self.backoff**number for number in range(self.attempts - 1))


class HandOver(OtherRunbook):
    """Another runbook that takes over, and its inputs: each a value, or the `{{ name }}` of something known here."""


def _hand_over(value: Any) -> Any:
    return {"run": value} if isinstance(value, str) and re.fullmatch(RUNBOOK_ID, value) else value


OnFailure = Annotated[
    Annotated[Literal["stop", "escalate", "continue", "undo"], Tag("word")] | Annotated[HandOver, Tag("hand over")],
    Discriminator(lambda value: "hand over" if isinstance(value, dict | HandOver) else "word"),
    BeforeValidator(_hand_over),
    Short(type="string", pattern=RUNBOOK_ID),
]
"""What follows when a step did not pass; the id of a runbook is short for handing over to it."""


def _attempts(value: Any) -> Any:
    return {"attempts": value} if isinstance(value, int) and not isinstance(value, bool) else value


def _truth(value: Any) -> Any:
    # A person writes `reversible: no`; our YAML has only true and false, so that NO is a country everywhere else.
    return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


class BranchLabel(Model):
    """Where a step stands that comes from `decide`: in the one with the id `of`; its number ends with `label`.

    `condition` says in words when its branch is taken. The one that says which branch that is has all of them in
    `branches`, by their letters, in words. One that ends the run on its hosts `stops` with a sentence.
    """

    of: StepId
    label: str
    condition: str = ""
    branches: Mapping[str, str] = {}
    stops: str = ""

    @property
    def decides(self) -> bool:
        """Whether the step says which branch is taken."""
        return bool(self.branches)

    @property
    def asks(self) -> bool:
        """Whether the step asks a host whether its branch is to be taken."""
        return self.label[-1:].isalpha() and not self.decides


class RegistryCriterion(Model):
    """Marks a prerequisite that is the `check` of the entry `id`: all of these are made before one stops a run."""

    id: ReferenceId


class Step(Model):
    """One step of the procedure: what is done, and how one sees that it worked.

    Where `only_if` is not true, it is not needed. With `each` all of it is done, verified and undone once for each item
    of a list. `action` is None for a step that only verifies. `auto` says that a run which asks nobody may answer yes
    for this step; `idempotent` that doing it twice is as good as once, `reversible: no` that nothing undoes it. `on` is
    the one machine on which all of it is done, its undo too, for each of its hosts after the other. `branch` and
    `criterion` are not written: where the step stands in a diagnosis, and from which entry of the registry it comes.
    """

    id: StepId
    name: Title
    why: Prose | None = None
    hosts: HostPattern | None = None
    only_if: Condition | None = None
    on: OneHost | None = None
    effect: Annotated[Effect, Strict(strict=False)] = Effect.CHANGE
    choose: dict[Name, Choice] = {}
    each: Annotated[Each | None, BeforeValidator(read_each), Short(type=["string", "array"])] = None
    approve: Annotated[Approval | None, BeforeValidator(_approval), Short(type="string")] = None
    auto: bool = False
    action: InstanceOf[StepKind] | None
    capture: dict[Name, Expression] = {}
    verify: Annotated[Several[InstanceOf[Verification]], Field(max_length=MOST_VERIFICATIONS), Keywords(minItems=1)]
    retry: Annotated[Retry | None, BeforeValidator(_attempts), Short(type="integer")] = None
    on_failure: OnFailure = "escalate"
    undo: Undo | None = None
    reversible: Annotated[bool | None, BeforeValidator(_truth), Short(enum=["yes", "no"])] = None
    idempotent: bool = False
    timeout: Limit = timedelta(minutes=1)
    become: bool = False
    become_user: Text | None = None
    branch: SkipJsonSchema[InstanceOf[BranchLabel] | None] = None
    criterion: SkipJsonSchema[InstanceOf[RegistryCriterion] | None] = None

    @property
    def manual(self) -> bool:
        """Whether a person does it."""
        return self.action is not None and self.action.human

    @property
    def asks_people(self) -> bool:
        """Whether somebody must answer something for it."""
        return bool(self.manual or self.confirmations or self.approve or self.choose)

    @property
    def users(self) -> frozenset[str]:
        """Whom it becomes, or one of its verifications."""
        looks = [each.privilege for each in (*self.verify, *(self.undo.verify if self.undo else ()))]
        looking = [each.get("become_user") for each in looks if each.get("become")]
        own = [self.become_user] if self.become or self.become_user else []
        acts = [user for act in (self.action, self.undo and self.undo.action) if act for user in act.becomes]
        return frozenset(str(user or self.become_user or "root") for user in (*own, *acts, *looking))

    @property
    def machines(self) -> tuple[str, ...]:
        """From which other machines it is verified, or its undo."""
        looks = (*self.verify, *(self.undo.verify if self.undo else ()))
        return tuple(dict.fromkeys(each.machine for each in looks if each.machine))

    @property
    def runs(self) -> OtherRunbook | None:
        """The runbook that does it in a run of its own, if one does."""
        return self.action.runs if self.action else None

    @property
    def announces(self) -> Notice | None:
        """What the product tells people by it, if it does."""
        return self.action.announces if self.action else None

    @property
    def by_controller(self) -> bool:
        """Whether runbookctl itself does its action: it runs another runbook, or tells people something."""
        return bool(self.runs or self.announces)

    @property
    def others(self) -> Mapping[str, OtherRunbook]:
        """The runbooks that may work for it, by the key under which each is named."""
        named = {"run": self.runs, "on_failure": self.on_failure}
        return {key: other for key, other in named.items() if isinstance(other, OtherRunbook)}

    @property
    def acts(self) -> bool:
        """Whether a task of the playbook does its action: neither a person nor runbookctl itself."""
        return self.action is not None and not self.action.human and not self.by_controller

    @property
    def computes(self) -> bool:
        """Whether it has no action, and keeps what it makes of values that are known."""
        return self.action is None and bool(self.capture)

    @property
    def repeatable(self) -> bool:
        """Whether it may be done again though nobody knows whether it was done: it only looks, or says so."""
        return self.idempotent or self.effect is Effect.READ or (self.action is not None and self.action.repeatable)

    @property
    def resumable(self) -> bool:
        """Whether what was begun elsewhere, and nobody knows the end of, is found again when it is done again."""
        return self.action is not None and (self.action.resumable or self.runs is not None)

    @property
    def point_of_no_return(self) -> bool:
        """Whether what it does cannot be undone: it says so, or destroys and has no `undo`."""
        if self.reversible is not None:
            return not self.reversible
        return self.effect is Effect.DESTRUCTIVE and self.undo is None

    @property
    def automated(self) -> tuple[tuple[int, Verification], ...]:
        """The verifications that a machine makes, each with its number, from 1."""
        return tuple((n, v) for n, v in enumerate(self.verify, 1) if not v.human)

    @property
    def confirmations(self) -> tuple[tuple[int, Verification], ...]:
        """The verifications that a person makes, each with its number."""
        return tuple((n, v) for n, v in enumerate(self.verify, 1) if v.human)

    @property
    def repeated(self) -> tuple[tuple[int, Verification], ...]:
        """The verifications that can be made again later: those that look for themselves, and compare with nothing."""
        return tuple((n, v) for n, v in self.automated if v.probes and not v.keeps_first)
