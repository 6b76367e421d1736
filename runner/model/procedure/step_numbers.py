"""The numbers of steps for people, and the order in which they read them: a diagnosis is a tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # a command that shows runs does not wait for what reads runbooks
    from runner.model.step import Step


def labels(steps: Iterable[Step]) -> list[str]:
    """The number of each of `steps` for people: 3 of what decides, 3a and 3b of what it asks, 3a.1 in a branch."""
    numbers: dict[str, int] = {}
    for number, step in enumerate(steps):
        numbers.setdefault(step.branch.of if step.branch else f"{number}", len(numbers) + 1)
    return [
        f"{numbers[step.branch.of]}{step.branch.label}" if step.branch else f"{numbers[str(number)]}"
        for number, step in enumerate(steps)
    ]


class Heading(NamedTuple):
    """What a branch begins with, for people: its number, and when it is taken."""

    label: str
    text: str

    @property
    def depth(self) -> int:
        """In how many branches it stands, itself among them."""
        return _depth(self.label)


class NumberedStep(NamedTuple):
    """A step as people read it: its number, and its place in the list.

    `heading` is that of its branch, where this begins with the step; `closing` has those of the branches in which
    nothing is done, of a diagnosis that ends with it.
    """

    label: str
    at: int
    step: Step
    heading: Heading | None = None
    closing: tuple[Heading, ...] = ()

    @property
    def depth(self) -> int:
        """In how many branches it stands."""
        return _depth(self.label)


def tree(steps: Sequence[Step]) -> list[NumberedStep]:
    """The steps in the order in which people read them: what decides, then each branch with what it asks and does."""
    numbered = sorted(
        zip(labels(steps), range(len(steps)), steps, strict=True), key=lambda each: reading_order(each[0])
    )
    branches = {
        f"{label}{letter}": words
        for label, _, step in numbered
        for letter, words in (step.branch.branches if step.branch else {}).items()
    }
    begins = {name: next((n for n, each in enumerate(numbered) if _within(each[0], name)), None) for name in branches}
    # Where nothing is done in it, it stands after all that belongs to the diagnosis; the innermost comes first.
    ends = {
        name: max(n for n, each in enumerate(numbered) if _within(each[0], name[:-1]))
        for name in sorted(branches, key=_depth, reverse=True)
        if begins[name] is None
    }
    return [
        NumberedStep(
            *each,
            next((Heading(name, branches[name]) for name, first in begins.items() if first == n), None),
            tuple(Heading(name, branches[name]) for name, last in ends.items() if last == n),
        )
        for n, each in enumerate(numbered)
    ]


def reading_order(label: str) -> list[int]:
    """By what the numbers of steps are put in the order in which people read them."""
    return [int(part) if part.isdigit() else ord(part) for part in re.findall("[0-9]+|[a-z]", label)]


def _depth(label: str) -> int:
    return len(re.findall("[a-z]", label))


def _within(label: str, branch: str) -> bool:
    """Whether a step with the number `label` is, or stands in, what has the number `branch`."""
    begins = reading_order(branch)
    return reading_order(label)[: len(begins)] == begins
