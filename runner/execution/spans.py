"""Where a run stops for a person: the procedure cut into gates and spans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from runner.definition.model import Runbook
from runner.definition.step import Step

GateKind = Literal["approve", "manual", "confirm"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A question to a person: may this be done, has this been done, is this so.

    `number` is that of the verification which a `confirm` answers.
    """

    step: Step
    kind: GateKind
    text: str
    number: int | None = None

    @property
    def part(self) -> str:
        """The part of the step that a yes proves."""
        return {"approve": "approve", "manual": "action", "confirm": f"verify/{self.number}"}[self.kind]

    @property
    def name(self) -> str:
        """The word by which the gate is answered in advance: the step's id."""
        return self.step.id


@dataclass(frozen=True, slots=True)
class Span:
    """Steps that one invocation of Ansible does in one go."""

    steps: tuple[Step, ...]


def cut(runbook: Runbook) -> Iterator[Gate | Span]:
    """The procedure in order; nothing runs while a gate waits."""
    pending: list[Step] = []
    for step in runbook.procedure:
        does = [step] if (step.action and not step.manual) or step.automated else []
        for gates, steps in ((before(step), does), (after(step), [])):
            for gate in gates:
                if pending:
                    yield Span(tuple(pending))
                    pending = []
                yield gate
            pending += steps
    if pending:
        yield Span(tuple(pending))


def before(step: Step) -> Iterator[Gate]:
    """What a person is asked before anything is done."""
    if step.approve:
        yield Gate(step, "approve", step.approve)
    if step.action and step.manual:
        yield Gate(step, "manual", step.action.describe())


def after(step: Step) -> Iterator[Gate]:
    """What a person is asked after it is done."""
    for number, verification in step.confirmations:
        yield Gate(step, "confirm", verification.says, number)
