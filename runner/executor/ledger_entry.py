"""What is known of one step on one host, or of one of its items there, and what must be proven of it."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from runner.core.deferred import dataclass
from runner.core.events import DONE, Outcome
from runner.core.wording import listed
from runner.model.step import Step, Undo

_WORST_FIRST = (
    Outcome.ABORTED,
    Outcome.UNKNOWN,
    Outcome.FAILED,
    Outcome.UNREACHABLE,
    Outcome.SKIPPED,
    Outcome.NEVER_REACHED,
    Outcome.PLANNED,
    Outcome.UNKNOWABLE,
)

ONLY_IF = "only_if"
"""The part of a step that says whether it is needed."""

ITEMS = "items"
"""The part of a step with `each` that is proven when it is known which items there are."""

EACH = "each"
"""The part of such a step that is proven when every item has passed."""

CAPTURE = "capture"
"""The part of a step with `each` that is proven when what was captured of the items is kept as lists."""


@dataclass
class LedgerEntry:
    """One step on one host: the parts that must still be proven, and the outcome once there is one.

    `acted` is the outcome of the action alone; None while nobody knows whether it was done. `begun` says that the
    action was begun at some time and has not been taken back since. `earlier` is what a step that is to be done or
    verified again had come to: it still stands when that does not happen. `digest` is of the text by which it was done
    and verified, empty where nothing was or that is not known; `outdated` says that the action was begun by an older
    text than the one it must be proven by now, and `looked` that what failed has looked for itself. `item` is the item
    of `each` that it is about, None where it is about a whole step.
    """

    missing: set[str]
    intended: bool = False
    acted: Outcome | None = None
    outcome: Outcome | None = None
    reason: str = ""
    begun: bool = False
    earlier: Outcome | None = None
    digest: str = ""
    outdated: bool = False
    looked: bool = False
    item: Any = None

    @property
    def stands(self) -> Outcome:
        """The outcome if nothing more happens."""
        return self.outcome or self.earlier or (Outcome.UNKNOWN if self.intended else Outcome.NEVER_REACHED)

    def follow(self, items: Mapping[int, Self]) -> None:
        """Be what the `items` of the step, by their numbers, have come to: all of them passed, or the worst of them."""
        self.intended = any(item.intended for item in items.values())
        self.begun = any(item.begun for item in items.values())
        self.outdated = any(item.outdated for item in items.values())
        is_open = any(item.outcome not in DONE for item in items.values())
        (self.missing.add if is_open else self.missing.discard)(EACH)
        worst = worst_of(item.outcome for item in items.values())
        numbers = [number for number, item in items.items() if item.outcome is worst]
        self.outcome = worst or (None if self.missing else Outcome.PASSED)
        if worst:
            first = items[numbers[0]]
            self.acted, self.looked = first.acted, first.looked
            self.reason = _of_items(numbers, first.reason)


def _of_items(numbers: Iterable[int], reason: str) -> str:
    named = [f"[{number}]" for number in numbers]
    return f"{listed(named)}: {reason}" if reason else listed(named)


def worst_of(outcomes: Iterable[Outcome | None]) -> Outcome | None:
    """The worst of the `outcomes`; None where there is none, or each is as good as it can be."""
    found = set(outcomes)
    return next((outcome for outcome in _WORST_FIRST if outcome in found), None)


def parts(step: Step) -> set[str]:
    """What must be proven before `step` has passed."""
    if step.each:
        return machine_parts(step) | {f"verify/{number}" for number, _ in step.confirmations}
    checks = {f"verify/{number}" for number, _ in enumerate(step.verify, 1)}
    return _decision(step) | checks | ({"action"} if step.action else set())


def machine_parts(step: Step) -> set[str]:
    """What of it a machine proves."""
    if step.each:
        return _decision(step) | {ITEMS, EACH, *([CAPTURE] if step.capture else [])}
    return _decision(step) | item_parts(step)


def _decision(step: Step) -> set[str]:
    return {ONLY_IF} if step.only_if else set()


def item_parts(step: Step) -> set[str]:
    """What a machine proves of each time that `step` is done: once, or once for each item."""
    return {f"verify/{number}" for number, _ in step.automated} | ({"action"} if step.acts else set())


def undo_parts(undo: Undo | None) -> set[str]:
    """What must be proven before `undo` has passed, once or for one item; without it another run takes its own back."""
    return {"action", *(f"verify/{number}" for number, _ in enumerate(undo.verify if undo else (), 1))}
