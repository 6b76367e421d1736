"""What somebody has done who was trained by a drill: step by step, and what they needed to be told."""

from __future__ import annotations

from datetime import datetime

from runner.core.deferred import dataclass

TOLD = 2
"""The hint that tells what to type; those before it only tell what is wanted, and why."""

ENOUGH = 0.5
"""The share of steps that somebody must have been seen to do without being told what to type, for it to count."""


@dataclass(frozen=True, slots=True)
class TrainedStep:
    """One step as somebody did it: after how many `hints`, and how often they said `wrong`ly that it was done.

    One that is not `verified` could not be looked at: they have only said so.
    """

    step: str
    name: str
    hints: int
    wrong: int
    verified: bool
    seconds: float

    @property
    def own(self) -> bool:
        """Whether they did it without being told what to type."""
        return self.hints < TOLD


@dataclass(frozen=True, slots=True)
class Training:
    """How `person` followed the runbook, in `seconds`; `astray` are the runbooks that they took for it, or None.

    With `gave_up` they did not come to its end. `alert_only` says that they had to find the runbook first.
    """

    person: str
    runbook: str
    sha256: str
    began: datetime
    seconds: float
    steps: tuple[TrainedStep, ...]
    alert_only: bool = False
    astray: tuple[str, ...] = ()
    gave_up: bool = False

    @property
    def seen(self) -> tuple[TrainedStep, ...]:
        """The steps that could be looked at: of the others anybody can say that they have done them."""
        return tuple(each for each in self.steps if each.verified)

    @property
    def own(self) -> int:
        """How many of these they did themselves."""
        return sum(each.own for each in self.seen)

    @property
    def share(self) -> float:
        """The same as a share of these."""
        return self.own / len(self.seen) if self.seen else 0.0

    @property
    def wrong_turns(self) -> int:
        """How often they were wrong: about a step, or about the runbook."""
        return sum(each.wrong for each in self.steps) + len(self.astray)

    @property
    def counts(self) -> bool:
        """Whether it says that they can do it: they came to the end, and were seen to do most of it."""
        return not self.gave_up and self.share >= ENOUGH
