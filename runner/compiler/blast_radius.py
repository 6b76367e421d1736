"""The blast radius of a run: what it may change, where, and up to which step all of it can be taken back."""

from collections.abc import Callable, Mapping
from itertools import chain
from types import MappingProxyType

from runner.core.deferred import dataclass
from runner.core.wording import counted
from runner.executor.target import Target
from runner.model.procedure.called_runbooks import all_steps
from runner.model.procedure.step_numbers import labels
from runner.model.runbook import Runbook
from runner.model.step import Effect, Step


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """`hosts` of `total` hosts may be changed, by steps of which `destructive` destroy something; `met` have a step.

    Steps count from 1, and `label` is what people call the first that nothing takes back, `no_return`; `last_safe` is
    the one after which it is still possible to stop and be where one was. `without_undo` are the labels of changes that
    the runbook itself does not take back. What another runbook does for a step counts as what that step does.
    `items` of lists are worked on, on all hosts together: at most, where not all of them are known.
    """

    hosts: int
    met: int
    total: int
    environment: str
    destructive: int
    no_return: int | None
    without_undo: tuple[str, ...]
    label: str = ""
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
        destructive = counted(self.destructive, "destructive step")
        return ", ".join(filter(None, (hosts, destructive, self._of_items(), self._return())))

    def _of_items(self) -> str:
        most = "" if self.items_known else "at most "
        return f"{most}{counted(self.items, 'item')}" if self.items or not self.items_known else ""

    def _return(self) -> str:
        if self.no_return is not None:
            return f"cannot be undone after step {self.label}"
        if not self.without_undo:
            return "all of it can be undone"
        return f"step{'s' * (len(self.without_undo) > 1)} {', '.join(self.without_undo)} without an undo"


def blast_radius(
    runbook: Runbook,
    target: Target,
    *,
    total: int | None = None,
    items: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
    find: Callable[[str], Runbook | None] = lambda _: None,
) -> BlastRadius:
    """The blast radius of `runbook` against `target`, whose inventory has `total` hosts.

    `items` says how many items a step has on each host, where that is known; `find` gives the runbook with an id.
    """
    steps, names = runbook.steps, labels(runbook.steps)
    does = [[each for each in all_steps(step, find) if _changes(each)] if _changes(step) else [] for step in steps]
    changing = [step for step in steps if _changes(step)]
    final = (n for n, step in enumerate(steps) if any(each.point_of_no_return for each in (step, *does[n])))
    no_return = next(final, None)
    lists = [(step.each, items.get(step.id, {}).get(host)) for step in changing for host in target.of(runbook, step)]
    counts = [(each.known if number is None else number, each.limit) for each, number in lists if each]
    return BlastRadius(
        items=sum(limit if number is None else number for number, limit in counts),
        items_known=all(number is not None for number, _ in counts),
        hosts=len({host for step in changing for host in target.worked_on(runbook, step)}),
        met=len({host for step in runbook.steps for host in target.worked_on(runbook, step)}),
        total=total if total is not None else len(target.reached),
        environment=target.environment,
        destructive=sum(each.effect is Effect.DESTRUCTIVE for each in chain.from_iterable(does)),
        no_return=None if no_return is None else no_return + 1,
        label="" if no_return is None else names[no_return],
        without_undo=tuple(name for name, each in zip(names, does, strict=True) if any(map(_lacks_undo, each))),
    )


def _changes(step: Step) -> bool:
    return step.effect is not Effect.READ and not step.manual


def _lacks_undo(step: Step) -> bool:
    return step.undo is None and step.action is not None and step.runs is None
