"""`criteria:` as Ansible tasks: each is looked at, whatever became of the others, and then none may not be met."""

from runner.core.identifiers import Marker
from runner.core.step_tags import step_tag
from runner.kinds.ansible_yaml import Task
from runner.model.runbook import Runbook
from runner.model.step import RegistryCriterion, Step

_UNMET = "runbook_unmet"
"""The variable of each host with the ids of the criteria that are not met there."""

_EVERYWHERE = f"groups.all | map('extract', hostvars) | map(attribute='{_UNMET}', default=[]) | flatten | unique | list"


def not_met(runbook: Runbook, step: Step, criterion: RegistryCriterion) -> Task:
    """What is done where the check of `criterion` has failed: it is remembered, and the others are looked at."""
    return Task(
        Marker(runbook.id, step.id, "rescue").task_name(f"{criterion.id} is not met; the other criteria follow"),
        "ansible.builtin.set_fact",
        {_UNMET: f"{{{{ {_UNMET} | default([]) + ['{criterion.id}'] }}}}"},
    )


def last_criterion(runbook: Runbook) -> Step | None:
    """The last of the criteria that a machine looks at; what a person confirms comes after it."""
    criteria = [step for step in runbook.prerequisites if step.criterion and step.automated]
    return criteria[-1] if criteria else None


def all_met(runbook: Runbook, last: Step) -> Task:
    """The end of all hosts, after the `last` criterion, where one is not met; it names every one that is not."""
    criteria = [step for step in runbook.prerequisites if step.criterion and step.automated]
    return Task(
        Marker(runbook.id, last.id, "criteria").task_name("All criteria are met"),
        "ansible.builtin.assert",
        {
            "that": [f"{_EVERYWHERE} | length == 0"],
            "fail_msg": f"These criteria are not met: {{{{ {_EVERYWHERE} | join(', ') }}}}",
            "quiet": True,
        },
        {"tags": [step_tag(step.id) for step in criteria]},
    )
