"""Where a run stops for a person: the procedure cut into gates and segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from runner.model.step import Step

GateKind = Literal["step", "choose", "approve", "manual", "confirm", "unknown"]

CROSSING = "Nothing takes this step back. Go ahead?"


@dataclass(frozen=True, slots=True)
class Gate:
    """A question to a person: may this be done, has this been done, is this so.

    `number` is that of the verification which a `confirm` answers, `choice` the name of what is chosen. `step` asks
    before each step in a run that goes step by step; `unknown` asks what became of a step that was interrupted.
    """

    step: Step
    kind: GateKind
    text: str
    number: int | None = None
    choice: str = ""

    @property
    def part(self) -> str:
        """The part of the step that a yes proves."""
        proven = {"manual": "action", "confirm": f"verify/{self.number}"}
        return proven.get(self.kind, self.kind)

    @property
    def name(self) -> str:
        """The word by which the gate is answered in advance: the step's id."""
        return self.step.id

    @property
    def id(self) -> str:
        """What tells it from every other gate of the run."""
        return f"{self.step.id}-{self.kind}-{self.choice or self.number or 0}"


@dataclass(frozen=True, slots=True)
class Segment:
    """Steps that one invocation of Ansible does in one go; of `decides`, the last, only whether it is needed."""

    steps: tuple[Step, ...]
    decides: Step | None = None


def cut(procedure: Iterable[Step], *, stepwise: bool = False) -> Iterator[Gate | Segment]:
    """The steps in order; nothing runs while a gate waits. `stepwise` asks before each step."""
    pending: list[Step] = []
    for step in procedure:
        does = [step] if (step.action and not step.manual) or step.automated else []
        first = [Gate(step, "step", f"Go on with {step.name}?")] if stepwise else []
        asked = [*first, *before(step)]
        if step.only_if and (asked or not does):  # nobody is asked about a host where it is not needed
            yield Segment((*pending, step), step)
            pending = []
        for gates, steps in ((asked, does), (after(step), [])):
            for gate in gates:
                if pending:
                    yield Segment(tuple(pending))
                    pending = []
                yield gate
            pending += steps
    if pending:
        yield Segment(tuple(pending))


def before(step: Step) -> Iterator[Gate]:
    """What a person is asked before anything is done."""
    for name, choice in step.choose.items():
        yield Gate(step, "choose", f"Which of {choice.from_}?", choice=name)
    if step.approve or step.point_of_no_return:
        yield Gate(step, "approve", step.approve.says if step.approve else CROSSING)
    if step.action and step.manual:
        yield Gate(step, "manual", step.action.describe())


def after(step: Step) -> Iterator[Gate]:
    """What a person is asked after it is done."""
    for number, verification in step.confirmations:
        yield Gate(step, "confirm", verification.says, number)
