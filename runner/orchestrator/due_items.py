"""Which items of steps with `each` are due in a part of a run; the playbook has a default for when nobody says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

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


def _due(step: Step, host: str, ledger: Ledger, tags: Collection[str]) -> Iterator[tuple[str, list[int]]]:
    """The facts that say it; none where the items are not known yet, so that all of them are due."""
    items, name = ledger.items(step.id, host), undo_id(step.id)
    is_open = [number for number, item in items.items() if item.outcome is None]
    if items and step_tag(step.id) in tags:
        yield due_fact(step.id), is_open
    elif items and recheck_tag(step.id) in tags:
        yield due_fact(step.id), [number for number in is_open if items[number].intended]
    if step_tag(name) in tags:
        undone = ledger.items(name, host)
        yield due_fact(name), [number for number in sorted(undone, reverse=True) if undone[number].outcome is None]
