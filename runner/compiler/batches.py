"""Who is worked on when: batches of hosts, and which steps one invocation can do on which hosts."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, groupby, repeat

from runner.core.deferred import dataclass
from runner.executor.target import Target
from runner.model.runbook import Portion, Runbook
from runner.model.step import Step


@dataclass(frozen=True, slots=True)
class Batch:
    """Steps that are done together, on these hosts only."""

    steps: tuple[Step, ...]
    hosts: tuple[str, ...]


def plays(runbook: Runbook) -> Iterator[tuple[str, tuple[Step, ...]]]:
    """The procedure in plays, each with its host pattern; in a run by batches, what is only probed is a play apart."""
    apart = {step.id for step in runbook.prerequisites} if runbook.serial else set()
    for (pattern, _), steps in groupby(runbook.procedure, key=lambda step: (runbook.hosts_of(step), step.id in apart)):
        yield pattern, tuple(steps)


def batches(runbook: Runbook, target: Target) -> Iterator[Batch]:
    """The whole procedure on all hosts, or play by play what `serial` says: a few hosts first, then more."""
    if not runbook.serial:
        yield Batch(runbook.procedure, target.names)
        return
    for pattern, steps in plays(runbook):
        hosts = target.hosts.get(pattern, ())
        probed = steps[0] in runbook.prerequisites
        yield from (Batch(steps, part) for part in ([hosts] if probed else _parts(hosts, runbook.serial)))


def _parts(hosts: Sequence[str], serial: Sequence[Portion]) -> Iterator[tuple[str, ...]]:
    sizes = chain(serial[:-1], repeat(serial[-1]))
    begin = 0
    while begin < len(hosts):
        size = max(1, portion(next(sizes), len(hosts)))
        yield tuple(hosts[begin : begin + size])
        begin += size


def portion(some: Portion, total: int) -> int:
    """How many of `total` hosts `some` is; a share is rounded down, as Ansible rounds it."""
    if isinstance(some, int):
        return some
    return int(total * int(some.rstrip("%")) / 100)


def turns(step: Step, hosts: Sequence[str]) -> list[Sequence[str]]:
    """Those of `hosts` for which one invocation may do `step`: all of them, or one where another machine does it.

    Ansible's `throttle` would do them in turn as well. But it gives the place of a worker that was killed to the next
    host, forgets that the first one never answered, and waits for that for ever.
    """
    return [(host,) for host in hosts] if step.on else [hosts]


def fewest_batches(
    steps: Iterable[Step], *, on: Callable[[Step], Sequence[str]], of: Callable[[Step], Collection[str]]
) -> Iterator[Batch]:
    """The fewest batches that do each step on exactly the hosts `on(step)`, of all that it has, `of(step)`.

    What another machine does for several hosts is alone in its batches, which have one of these hosts each.
    """
    doing: list[Step] = []
    limit: dict[str, None] = {}
    for step in steps:
        hosts = dict.fromkeys(on(step))
        if not hosts:
            continue
        alone, together = len(turns(step, [*hosts])) > 1, limit | hosts
        if alone or any(set(on(each)) != set(of(each)) & set(together) for each in (*doing, step)):
            yield from [Batch(tuple(doing), tuple(limit))] if doing else []
            doing, limit, together = [], {}, hosts
        if alone:
            yield from (Batch((step,), tuple(turn)) for turn in turns(step, [*hosts]))
            continue
        doing, limit = [*doing, step], together
    if doing:
        yield Batch(tuple(doing), tuple(limit))
