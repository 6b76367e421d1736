"""The blast radius of a run: what it may change, where, and up to which step all of it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from runner.executor.target import Target
from runner.model.runbook import Runbook
from runner.model.step import Effect


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """`hosts` of `total` hosts may be changed, by steps of which `destructive` destroy something; `met` have a step.

    Steps count from 1. `no_return` is the first that nothing takes back, `last_safe` the one after which it is still
    possible to stop and be where one was; `without_undo` are changes that the runbook itself does not take back.
    `items` of lists are worked on, on all hosts together: at most, where not all of them are known.
    """

    hosts: int
    met: int
    total: int
    environment: str
    destructive: int
    no_return: int | None
    without_undo: tuple[int, ...]
    items: int = 0
    items_known: bool = True

    @property
    def last_safe(self) -> int | None:
        """The step after which one can still stop; None where there is no point of no return."""
        return None if self.no_return is None else self.no_return - 1

    def __str__(self) -> str:
        if not self.hosts:
            return f"changes nothing, and looks at {self.met} of {self.total} hosts in {self.environment}"
        hosts = f"changes {self.hosts} of {self.total} hosts in {self.environment}"
        destructive = f"{self.destructive} destructive step{'s' * (self.destructive != 1)}"
        return ", ".join(filter(None, (hosts, destructive, self._of_items(), self._return())))

    def _of_items(self) -> str:
        most = "" if self.items_known else "at most "
        return f"{most}{self.items} item{'s' * (self.items != 1)}" if self.items or not self.items_known else ""

    def _return(self) -> str:
        if self.no_return is not None:
            return f"cannot be undone after step {self.no_return}"
        if not self.without_undo:
            return "all of it can be undone"
        numbers = ", ".join(map(str, self.without_undo))
        return f"step{'s' * (len(self.without_undo) > 1)} {numbers} without an undo"


def blast_radius(
    runbook: Runbook,
    target: Target,
    *,
    total: int | None = None,
    items: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
) -> BlastRadius:
    """The blast radius of `runbook` against `target`, whose inventory has `total` hosts.

    `items` says how many items a step has on each host, where that is known.
    """
    changing = [
        (number, step)
        for number, step in enumerate(runbook.steps, 1)
        if step.effect is not Effect.READ and not step.manual
    ]
    lists = [(step.each, items.get(step.id, {}).get(host)) for _, step in changing for host in target.of(runbook, step)]
    counts = [(each.known if number is None else number, each.limit) for each, number in lists if each]
    return BlastRadius(
        items=sum(limit if number is None else number for number, limit in counts),
        items_known=all(number is not None for number, _ in counts),
        hosts=len({host for _, step in changing for host in target.worked_on(runbook, step)}),
        met=len({host for step in runbook.steps for host in target.worked_on(runbook, step)}),
        total=total if total is not None else len(target.reached),
        environment=target.environment,
        destructive=sum(step.effect is Effect.DESTRUCTIVE for _, step in changing),
        no_return=next((n for n, step in enumerate(runbook.steps, 1) if step.point_of_no_return), None),
        without_undo=tuple(
            number for number, step in changing if step.undo is None and step.action is not None and step.runs is None
        ),
    )
