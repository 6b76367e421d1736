"""The parts of a step as a page shows them, taken from the runbook as it is written, whatever its keys are."""

from collections.abc import Mapping
from typing import Any, Literal

import yaml

from runner.core.deferred import dataclass
from runner.kinds.values import TakenBaseline
from runner.model.procedure.step_reader import LABELS
from runner.model.step import HandOver, Step
from runner.model.verification import Verification

_TOLD = {"id", "name", "why", "effect", "hosts", "on", "verify", "undo", "on_failure", "confirm", *LABELS}
"""What a page tells in another way than as a key with its value; nor does it tell how a step is labelled."""

_WIDE = 10_000
_SHORT = 60
_FOLLOWS = {
    "stop": "the run stops",
    "escalate": "somebody is called",
    "continue": "the run continues, and does not pass",
    "undo": "what was done is undone",
}


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A key of the file with its value, as it is written; `block` when it needs lines of its own."""

    key: str
    text: str

    @property
    def block(self) -> bool:
        """Whether it is longer than stands well beside its key."""
        return "\n" in self.text or len(self.text) > _SHORT


@dataclass(frozen=True, slots=True)
class ShownCheck:
    """A verification: what is expected, how that is seen, and whether a person tells."""

    says: str
    human: bool
    parts: tuple[ShownPart, ...]


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step: what is done, with what, how one sees that it worked, what follows when not, and what takes it back."""

    id: str
    name: str
    why: str
    effect: Literal["read", "change", "destructive"]
    hosts: str
    action: ShownPart | None
    parts: tuple[ShownPart, ...]
    checks: tuple[ShownCheck, ...]
    fails: str
    undo: tuple[ShownPart, ...]
    undo_checks: tuple[ShownCheck, ...]
    last_chance: bool


def shown(step: Step, raw: Mapping[str, Any], hosts: str) -> ShownStep:
    """The `step` that is written as `raw`, done on `hosts`."""
    action = ShownPart(step.action.key, _text(raw[step.action.key])) if step.action else None
    undone = raw.get("undo") if step.undo else {}
    written = undone if isinstance(undone, dict) else {}
    return ShownStep(
        id=step.id,
        name=step.name,
        why=step.why or "",
        effect=step.effect.value,
        hosts=hosts,
        action=action,
        parts=_parts(raw, _TOLD | ({action.key} if action else set())),
        checks=_checks(step.verify, raw),
        fails=_fails(step),
        undo=_parts(written, {"verify"}),
        undo_checks=_checks(step.undo.verify, written) if step.undo else (),
        last_chance=step.point_of_no_return,
    )


def _checks(verify: tuple[Verification, ...], raw: Mapping[str, Any]) -> tuple[ShownCheck, ...]:
    """Each verification; a prerequisite that a person ticks is one without a list."""
    written = raw.get("verify") or [{} for _ in verify]
    return tuple(
        ShownCheck(verification.says, verification.human, _parts(item, {"says", "confirm"}))
        for verification, item in zip(verify, written, strict=True)
    )


def _parts(raw: Mapping[str, Any], without: set[str]) -> tuple[ShownPart, ...]:
    return tuple(ShownPart(key.replace("_", " "), _text(value)) for key, value in raw.items() if key not in without)


def _text(value: Any) -> str:
    """`value` as it is written: text as it is, else YAML."""
    if isinstance(value, TakenBaseline):
        value = value.expression
    if isinstance(value, str):
        return value.rstrip("\n")
    dumped = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=_WIDE, default_flow_style=None)
    return dumped.removesuffix("...\n").rstrip("\n")


def _fails(step: Step) -> str:
    if isinstance(step.on_failure, HandOver):
        return f"{step.on_failure.run} takes over"
    return _FOLLOWS[step.on_failure]
