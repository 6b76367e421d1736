"""Where a run stops for a person: the procedure cut into gates and segments."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Literal

from runner.core.deferred import dataclass
from runner.core.step_tags import decide_tag, items_tag, step_tag
from runner.model.step import Step

GateKind = Literal["step", "choose", "approve", "manual", "confirm", "unknown", "trigger"]

CROSSING = "Nothing takes this step back. Go ahead?"


@dataclass(frozen=True, slots=True)
class Gate:
    """A question to a person: may this be done, has this been done, is this so.

    `number` is that of the verification which a `confirm` answers, `choice` the name of what is chosen. `step` asks
    before each step in a run that goes step by step; `unknown` asks what became of a step that was interrupted, and
    `flags` are what answers that in advance; `trigger` asks whether a rollback begins.
    """

    step: Step
    kind: GateKind
    text: str
    number: int | None = None
    choice: str = ""
    flags: str = ""

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
    """Steps that one invocation of Ansible does in one go.

    Of `decides`, the last of them, it only finds out `what`: whether it is needed, or for which items it is done.
    With `stepwise` a person is asked before each step.
    """

    steps: tuple[Step, ...]
    decides: Step | None = None
    what: Literal["only_if", "items"] = "only_if"
    stepwise: bool = field(default=False, compare=False)

    def tags(self, steps: Iterable[Step]) -> list[str]:
        """The tags of what it does of `steps`, which are some of its own."""
        begins = {"only_if": decide_tag, "items": items_tag}[self.what]
        return [begins(step.id) if step is self.decides else step_tag(step.id) for step in steps]

    def asked_next(self, step: Step, procedure: Sequence[Step]) -> list[str]:
        """The step of `procedure` that people will be asked or told about after `step`, to be rendered meanwhile."""
        following = [step] if step is self.decides else procedure[procedure.index(step) + 1 :][:1]
        return [
            each.id for each in following if each.approve or each.point_of_no_return or each.announces or self.stepwise
        ]


@dataclass(frozen=True, slots=True)
class ControllerStep:
    """A step that runbookctl itself does: it has another runbook do it, or tells people something."""

    step: Step


def cut(procedure: Iterable[Step], *, stepwise: bool = False) -> Iterator[Gate | Segment | ControllerStep]:
    """The steps in order; nothing runs while a gate waits. `stepwise` asks before each step."""
    pending: list[Step] = []
    for step in procedure:
        does = [step] if step.acts or step.automated else []
        first = [Gate(step, "step", f"Go on with {step.name}?")] if stepwise else []
        begins: list[Gate | Segment | ControllerStep] = [
            *_begin(step, [*first, *before(step)], acts=bool(does) and not step.by_controller),
            *([ControllerStep(step)] if step.by_controller else []),
        ]
        for stops, steps in ((begins, does), ([*after(step)], [])):
            for stop in stops:
                if isinstance(stop, Segment):  # what comes before goes along
                    stop = replace(stop, steps=(*pending, *stop.steps), stepwise=stepwise)  # noqa: PLW2901
                elif pending:
                    yield Segment(tuple(pending), stepwise=stepwise)
                pending = []
                yield stop
            pending += steps
    if pending:
        yield Segment(tuple(pending), stepwise=stepwise)


def _begin(step: Step, asked: Sequence[Gate], *, acts: bool) -> Iterator[Gate | Segment]:
    """What a person is asked, and before that what nobody is asked about: hosts where it is not needed, or has no item.

    A choice comes before the items, which may be what was chosen.
    """
    if step.only_if and (asked or not acts):
        yield Segment((step,), step, "only_if")
    choices = [number for number, gate in enumerate(asked, 1) if gate.kind == "choose"]
    chosen = choices[-1] if choices else 0
    yield from asked[:chosen]
    if step.each and asked[chosen:]:
        yield Segment((step,), step, "items")
    yield from asked[chosen:]


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
