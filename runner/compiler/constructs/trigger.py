"""A rollback trigger as Ansible tasks: one look, whose assert fails where the trigger fires."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from runner.compiler.condition_names import bindings
from runner.core.identifiers import Marker
from runner.kinds.ansible_yaml import Block, Task
from runner.model.procedure.rollback_triggers import RollbackTrigger
from runner.model.runbook import Runbook

_ASSERT = "ansible.builtin.assert"
_PROBE = "probe"
"""The name under which the answer of a verification is registered."""


def fires(trigger: RollbackTrigger) -> str:
    """What its assert demands of what is known: that the condition does not hold."""
    known, verification = _known(trigger), trigger.step.verify[0]
    conditions = [each for each in verification.conditions(None) if each not in known]
    return f"not ({' and '.join(f'({each})' for each in conditions or verification.conditions(None))})"


def _known(trigger: RollbackTrigger) -> list[str]:
    return [condition for kind in trigger.step.verify[0].kinds for condition in kind.known]


def looked_at(runbook: Runbook, trigger: RollbackTrigger, blocks: Iterable[Task | Block]) -> Iterator[Block]:
    """The `blocks` in which the condition of `trigger` is verified, on one host, and the other way round.

    Who executes it with plain Ansible sees it fail where it is time to roll back, with the values.
    """
    for block in blocks:
        assert isinstance(block, Block)  # noqa: S101 - it asks nobody
        tasks = [_once(_turned(each, trigger)) for each in block.tasks if isinstance(each, Task)]
        rescue = Task(
            Marker(runbook.id, trigger.step.id, "rescue").task_name("Others are looked at, too"),
            "ansible.builtin.debug",
            {"msg": f"{trigger.id} fires, or cannot be looked at"},
        )
        yield replace(block, tasks=tasks, rescue=[rescue])


def _turned(task: Task, trigger: RollbackTrigger) -> Task:
    """The assert the other way round: first that it is known how things stand, then that they are not so."""
    verification = trigger.step.verify[0]
    probe = verification.probe()
    if task.module != _ASSERT or probe is None:
        return task
    answered = task.args["that"][: len(task.args["that"]) - len(verification.conditions(None))]
    that = [*answered, *_known(trigger), fires(trigger)]
    names = bindings(that, verification.bound(probe, _PROBE))
    keywords = {key: value for key, value in task.keywords.items() if key != "vars"}
    return replace(task, args={**task.args, "that": that}, keywords={**keywords, **({"vars": names} if names else {})})


def _once(task: Task) -> Task:
    return replace(task, keywords={**task.keywords, "run_once": True})
