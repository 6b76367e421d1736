"""When somebody is called, who, and with what: the part `escalation` of a RUN- file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag

from runner.core import duration
from runner.core.fields import AtLeastOne, Limit, Model, Title
from runner.model.names import Contact

Word = Literal["started", "step_failed", "unreachable", "abandoned", "refused", "no_answer", "denied"]

_WORDS: Mapping[Word, str] = MappingProxyType(
    {
        "started": "the run comes to its first step",
        "step_failed": "a step failed",
        "unreachable": "a host cannot be reached",
        "abandoned": "the command of the run died",
        "refused": "the run could not begin",
        "no_answer": "nobody answered a question in time",
        "denied": "somebody said no",
    }
)


class Unresolved(Model):
    """Escalate when the run is not done after this long."""

    unresolved_for: Limit

    @property
    def says(self) -> str:
        """The same in words."""
        return f"unresolved for {duration.show(self.unresolved_for)}"


class Declared(Model):
    """Escalate when the operator says that this is so."""

    declared: Title

    @property
    def says(self) -> str:
        """The same in words."""
        return f"declared: {self.declared}"


class VerificationsFailed(Model):
    """Escalate as soon as that many verifications have failed, on whichever hosts."""

    verification_failed: Annotated[int, Field(ge=1)]

    @property
    def says(self) -> str:
        """The same in words."""
        number = self.verification_failed
        return f"{number} verification{'s have' if number > 1 else ' has'} failed"


class CapturedCondition(Model):
    """Escalate as soon as this holds of what a host is known by: `error_rate > 2`."""

    that: Title

    @property
    def says(self) -> str:
        """The same in words."""
        return self.that


class NoAnswer(Model):
    """Escalate when a question waits for this long."""

    no_answer: Limit

    @property
    def says(self) -> str:
        """The same in words."""
        return f"nobody answers a question for {duration.show(self.no_answer)}"


_MODELS = {
    next(iter(model.model_fields)): model
    for model in (Unresolved, Declared, VerificationsFailed, CapturedCondition, NoAnswer)
}


def _one_reason(value: Any) -> Any:
    if isinstance(value, dict) and (len(value) != 1 or next(iter(value)) not in _MODELS):
        keys = "{unresolved_for: 15m}, {declared: in your words}, {verification_failed: 3}, {that: error_rate > 2}"
        raise ValueError(f"must be one of {', '.join(get_args(Word))}, {keys}, {{no_answer: 10m}}, one for each item")
    return value


def _reason(value: Any) -> str:
    if isinstance(value, dict):
        return str(next(iter(value)))
    return next(iter(value.model_fields_set)) if isinstance(value, Model) else "word"


Reason = Annotated[
    Annotated[Unresolved, Tag("unresolved_for")]
    | Annotated[Declared, Tag("declared")]
    | Annotated[VerificationsFailed, Tag("verification_failed")]
    | Annotated[CapturedCondition, Tag("that")]
    | Annotated[NoAnswer, Tag("no_answer")]
    | Annotated[Word, Tag("word")],
    Discriminator(_reason),
    BeforeValidator(_one_reason),
]
"""Why somebody is called."""


def in_words(reason: Reason) -> str:
    """`reason` as a part of a sentence after "when"."""
    return _WORDS[reason] if isinstance(reason, str) else reason.says


class Escalation(Model):
    """When somebody is called, who, and with what.

    `next_after` is how long the contacts of one level have to acknowledge before those of the next are called; without
    it everybody is called at once.
    """

    when: AtLeastOne[Reason]
    contacts: AtLeastOne[Contact]
    provide: AtLeastOne[Title]
    next_after: Limit | None = None
