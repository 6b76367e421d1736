"""Whether a step is needed on a host: a task of its own decides it on the controller, so that no host can forge it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from runner.core.identifiers import Marker
from runner.core.step_tags import decide_tag, step_tag
from runner.core.templates import as_title
from runner.kinds.ansible_yaml import Block, Task
from runner.model.runbook import Runbook
from runner.model.step import Step

_DECIDED = "runbook_decided"
"""The setting that names, for each step, the hosts for which it was decided by an earlier part of the run."""


def needed(step_id: str) -> str:
    """The fact that says whether the step is needed on a host."""
    return f"runbook_needs_{step_id.replace('-', '_')}"


def decides(runbook: Runbook, step: Step, rescue: Sequence[Task], tags: Sequence[str]) -> Iterator[Task | Block]:
    """The task that decides whether `step` is needed; nothing where it always is.

    What is decided stays decided. A condition that cannot be evaluated fails its host, which does `rescue` if there is
    any, and whose step is not done.
    """
    if step.only_if is None:
        return
    marker, fact = Marker(runbook.id, step.id, "only_if"), needed(step.id)
    tagged = {"tags": [step_tag(step.id), decide_tag(step.id), *tags]}
    keywords = {
        "when": f"inventory_hostname not in {_DECIDED}['{step.id}'] | default([])",
        "vars": {"holds": f"{{{{ {step.only_if} }}}}"},
        "failed_when": f"{fact} is not boolean",
    }
    title = f"Only if {as_title(step.only_if)}"
    task = Task(marker.task_name(title), "ansible.builtin.set_fact", {fact: "{{ holds }}"}, keywords)
    if not rescue:
        yield Task(task.name, task.module, task.args, {**keywords, **tagged})
        return
    not_done = Task(rescue[0].name, "ansible.builtin.set_fact", {fact: False})
    yield Block(f"{runbook.id}/{step.id} | {title}", [task], tagged, [*rescue, not_done])


def if_needed(step: Step) -> dict[str, Any]:
    """The keyword by which what is done for `step` is done only where it is needed."""
    return {"when": needed(step.id)} if step.only_if else {}


def if_needed_anywhere(step: Step) -> dict[str, Any]:
    """The same of a pause, which Ansible makes once for all hosts."""
    anywhere = f"true in (ansible_play_batch | map('extract', hostvars, '{needed(step.id)}') | list)"
    return {"when": anywhere} if step.only_if else {}


def defaults(steps: Sequence[Step]) -> dict[str, Any]:
    """The variables of a play with `steps` by which nothing was decided before."""
    return {_DECIDED: {}} if any(step.only_if for step in steps) else {}


def settings(runbook: Runbook, decided_on: Callable[[str], Sequence[str]]) -> dict[str, Any]:
    """What the run sets in their place; `decided_on` has the hosts for which that is decided."""
    steps = [step for step in (*runbook.procedure, *runbook.on_cancel) if step.only_if]
    return {_DECIDED: {step.id: list(decided_on(step.id)) for step in steps}} if steps else {}
