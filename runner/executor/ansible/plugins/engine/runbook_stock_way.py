# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why tasks go the stock way, by Ansible as it comes: one that the fast engine does not know for certain, or all."""

from __future__ import annotations

import inspect

from ansible._internal._templating._jinja_bits import AnsibleEnvironment
from ansible.executor.task_executor import TaskExecutor
from ansible.plugins.action import ActionBase
from ansible.plugins.strategy import StrategyBase
from runbook_connection import CONNECTIONS
from runbook_tasks import ANSWERED_HERE

_ASKED_THERE = {f"ansible.builtin.{name}" for name in ("command", "shell")}


def stock_reason(task, task_vars):
    """Why the task has to be done by a worker of Ansible's; nothing where it can be done here."""
    action = getattr(task, "resolved_action", None) or task.action
    if action not in ANSWERED_HERE | _ASKED_THERE:
        return action
    for name in ("async_val", "timeout", "throttle", "debugger"):
        if getattr(task, name):
            return f"with {name.removesuffix('_val')}"
    connection = task_vars.get("ansible_connection", task.connection)
    if action in _ASKED_THERE and connection not in CONNECTIONS:
        return f"by the connection {connection}"
    return ""


_SIGNATURES = {
    (StrategyBase, "_queue_task"): "(self, host, task, task_vars, play_context)",
    (StrategyBase, "_wait_on_pending_results"): "(self, iterator)",
    (ActionBase, "_execute_module"): "(self, module_name=None, module_args=None, tmp=None, task_vars=None, "
    "persist_files=False, delete_remote_tmp=None, wrap_async=False, ignore_unknown_opts: 'bool' = False)",
    (TaskExecutor, "__init__"): "(self, host, task: 'Task', job_vars, play_context, loader, shared_loader_obj, "
    "final_q: 'FinalQueue', variable_manager)",
    (AnsibleEnvironment, "compile"): "(self, source: Union[str, jinja2.nodes.Template], name: Optional[str] = None, "
    "filename: Optional[str] = None, raw: bool = False, defer_init: bool = False) -> Union[str, code]",
    (AnsibleEnvironment, "compile_expression"): "(self, source: 'str', *args, **kwargs) -> 'TemplateExpression'",
}
"""What the engine takes the place of, and what it calls, as it is in the Ansible that it was made for."""


def unlike():
    """The first of those that another Ansible has otherwise; nothing where all are as they were."""
    for (owner, name), signature in _SIGNATURES.items():
        found = str(inspect.signature(getattr(owner, name)))
        if found != signature:
            return f"{owner.__name__}.{name} is {found}"
    return ""


def reason_against(variables):
    """Why Ansible as it comes has to do all tasks: a host of those `variables` wants it, or this is another Ansible."""
    refusing = [name for name, of_host in variables.items() if of_host.get("runbook_engine") == "stock"]
    return f"runbook_engine of {refusing[0]} is stock" if refusing else unlike()
