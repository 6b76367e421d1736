"""What every rule of lint is: a name, a level, its reason with an example, and a function from a runbook to hits.

A rule needs nothing but what this module offers, and what it asks of the parts of the runbook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum

from runner.core.deferred import dataclass
from runner.lint.lint_context import LintContext, Placed, Work
from runner.model.yaml.finding import Level, Place, did_you_mean, quoted

__all__ = ["Criterion", "Hit", "Level", "LintContext", "Place", "Placed", "Rule", "Work", "did_you_mean", "quoted"]


class Criterion(StrEnum):
    """The seven criteria of the team's checklist, which a runbook is scored by."""

    ACTIONABLE = "actionable"
    COMPLETE = "complete"
    VERIFIABLE = "verifiable"
    SCOPED = "scoped"
    ESCALATABLE = "escalatable"
    TESTED = "tested"
    MAINTAINED = "maintained"


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a rule speaks, and what it says.

    The finding stands at the `fragment` number `nth` (from 0) of what is written at `place`, or at the text's `offset`;
    without either at the key. `replacement` is what may safely stand there instead of the fragment.
    """

    place: Place
    message: str
    hint: str = ""
    fragment: str = ""
    nth: int = 0
    offset: int | None = None
    replacement: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `wrong` and `right` are top-level keys of a runbook in which it speaks, and in which it is silent.

    A rule that finds nothing itself (`find` is None) is kept by the reader: a runbook that breaks it does not load.
    Where a rule of `gives_way_to` speaks about the same line, this one has nothing to add. Unless it is `quotable`, the
    line is not shown beside the finding.
    """

    id: str
    level: Level
    criterion: Criterion
    problem: str
    wrong: str
    right: str
    find: Callable[[LintContext], Iterable[Hit]] | None = None
    gives_way_to: tuple[str, ...] = ()
    fixes: bool = False
    quotable: bool = True

    def __call__(self, find: Callable[[LintContext], Iterable[Hit]]) -> Rule:
        """The same rule, which finds its hits by the function `find`: it decorates it."""
        return replace(self, find=find)
