"""Which items of steps with `each` are due in a part of a run; the playbook has a default for when nobody says."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from runner.compiler.batches import Batch
from runner.core.step_tags import due_fact, recheck_tag, step_tag, undo_id
from runner.executor.host_ledger import Ledger
from runner.model.runbook import Runbook
from runner.model.step import Step


def with_due_items(
    captured: Mapping[str, Mapping[str, Any]], ledger: Ledger, runbook: Runbook, tags: Collection[str]
) -> Mapping[str, Mapping[str, Any]]:
    """`captured`, what is kept of each host, with the numbers of the items that the tasks with `tags` are done for."""
    given = {host: dict(values) for host, values in captured.items()}
    for step in (step for step in runbook.every_step if step.each):
        for host in ledger.hosts_of(step.id):
            given.setdefault(host, {}).update(_due(step, host, ledger, tags))
    return given


def in_order(ledger: Ledger, parts: Iterable[Batch]) -> Iterator[Batch]:
    """`parts`, each on no more hosts at a time than do their due items in order.

    What several hosts are to include with the same item Ansible does for all of them at once, where the first of them
    comes to it: the next host, of which an item before that is due, does it afterwards.
    """
    for part in parts:
        each = [step for step in part.steps if step.each]
        due = {host: _first(ledger, each, host) for host in part.hosts}
        yield from (Batch(part.steps, hosts) for hosts in _alike(due))


def undone_in_order(ledger: Ledger, step: Step, turns: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """The same of the undo of `step`, newest first, on the hosts of each of `turns`."""
    for hosts in turns:
        yield from _alike({host: tuple(_open(ledger, undo_id(step.id), host)) for host in hosts})


def _alike(due: Mapping[str, Hashable]) -> list[tuple[str, ...]]:
    """The hosts of which the same is `due` together, in their order."""
    groups: dict[Hashable, list[str]] = {}
    for host, items in due.items():
        groups.setdefault(items, []).append(host)
    return [tuple(group) for group in groups.values()] or [()]


def _first(ledger: Ledger, steps: Iterable[Step], host: str) -> Hashable:
    """The first item that is due of each of `steps`, and all of them where some between them are done."""
    due = [_open(ledger, step.id, host) for step in steps]
    return tuple(tuple(each[: 1 if each == [*range(each[0], each[-1] + 1)] else None]) for each in due if each)


def _open(ledger: Ledger, name: str, host: str) -> list[int]:
    return [number for number, item in ledger.items(name, host).items() if item.outcome is None]


def _due(step: Step, host: str, ledger: Ledger, tags: Collection[str]) -> Iterator[tuple[str, list[int]]]:
    """The facts that say it; none where the items are not known yet, so that all of them are due."""
    items, name = ledger.items(step.id, host), undo_id(step.id)
    is_open = _open(ledger, step.id, host)
    if items and step_tag(step.id) in tags:
        yield due_fact(step.id), is_open
    elif items and recheck_tag(step.id) in tags:
        yield due_fact(step.id), [number for number in is_open if items[number].intended]
    if step_tag(name) in tags:
        yield due_fact(name), sorted(_open(ledger, name, host), reverse=True)
