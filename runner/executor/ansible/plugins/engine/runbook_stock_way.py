# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why tasks go the stock way, by Ansible as it comes: one that the fast engine does not know for certain, or all."""

from __future__ import annotations

import functools
import hashlib
import inspect
import linecache

from ansible._internal._errors._task_timeout import TaskTimeoutError
from ansible._internal._templating._jinja_bits import AnsibleEnvironment
from ansible.executor.process.worker import WorkerProcess
from ansible.executor.task_executor import TaskExecutor
from ansible.executor.task_queue_manager import FinalQueue
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import PluginLoader, connection_loader
from ansible.plugins.strategy import StrategyBase
from ansible.release import __version__
from ansible.vars import clean
from runbook_connection import CONNECTIONS
from runbook_tasks import ANSWERED_HERE

_URI = "ansible.builtin.uri"
_ASKED_THERE = {*(f"ansible.builtin.{name}" for name in ("command", "shell")), _URI}
_REQUEST = {
    "url",
    "method",
    "headers",
    "body",
    "body_format",
    "return_content",
    "follow_redirects",
    "timeout",
    "status_code",
}
"""What a request may say that needs no file, here or there."""


def stock_reason(task, task_vars):
    """Why the task has to be done by a worker of Ansible's; nothing where it can be done here."""
    action = getattr(task, "resolved_action", None) or task.action
    if action not in ANSWERED_HERE | _ASKED_THERE:
        return action
    for name in ("async_val", "timeout", "throttle", "debugger"):
        if getattr(task, name) and (action, name) != (_URI, "timeout"):
            return f"with {name.removesuffix('_val')}"
    if action == _URI and (more := _more_than_a_request(task.args)):
        return f"{action} with {more}"
    connection = task_vars.get("ansible_connection", task.connection)
    if action in _ASKED_THERE and connection not in CONNECTIONS:
        return f"by the connection {connection}"
    return ""


def _more_than_a_request(args):
    """What of the arguments may need a file, or is not known yet; nothing where all is known."""
    if not isinstance(args, dict):
        return "arguments that are still to be found"
    if more := sorted(set(args) - _REQUEST):
        return more[0]
    return "" if args.get("body_format", "raw") in ("raw", "json") else "another body_format"


_PARAMETERS = {
    (ActionBase, "_update_module_args"): "self module_name module_args task_vars ignore_unknown_opts",
    (ActionBase, "_is_pipelining_enabled"): "self module_style wrap_async",
    (ActionBase, "_compute_environment_string"): "self raw_environment_out",
    (ActionBase, "_parse_returned_data"): "self res profile",
    (
        TaskExecutor,
        "__init__",
    ): "self host task job_vars play_context loader shared_loader_obj final_q variable_manager",
    (AnsibleEnvironment, "compile"): "self source name filename raw defer_init",
    (AnsibleEnvironment, "compile_expression"): "self source args kwargs",
}
"""What the engine calls as Ansible does, and the parameters that it has in the Ansible that this was made for."""

_TEXTS = {
    (WorkerProcess, "_run"): "bce3e6c2f1658325",
    (StrategyBase, "_queue_task"): "aa2ec898fdd51aaa",
    (StrategyBase, "_wait_on_pending_results"): "b43c1c2ddf24f2e8",
    (ActionBase, "_execute_module"): "b77a1adfc42eb924",
    (ActionBase, "_configure_module"): "f90534d2b1387557",
    (ActionBase, "_low_level_execute_command"): "c6b8257dff45e8d9",
    (TaskExecutor, "_get_connection"): "1f06ece7f71caee1",
    (TaskExecutor, "_set_connection_options"): "0663e9a20ea9d457",
    (Task, "_post_validate_environment"): "eefe30af90ee944c",
    (FieldAttributeBase, "post_validate"): "e63ec18b9457bb19",
    (FieldAttributeBase, "copy"): "5a01585a9551187b",
    (FieldAttributeBase, "post_validate_attribute"): "82f54776c385575c",
    (FieldAttributeBase, "_get_validated_value"): "5b621283bf0aae27",
    (PluginLoader, "find_plugin_with_context"): "8c344b5fb34cea00",
    (FinalQueue, "send_callback"): "f4da9a9cb57976a7",
    (FinalQueue, "send_task_result"): "ce6090f5a0124a28",
    (StrategyBase, "_convert_wire_task_result_to_raw"): "de15438ac3b99251",
    (TaskTimeoutError, "alarm_timeout"): "f00ba0fb25be285c",
    (clean, "clean_facts"): "6b06f73b53bfa85a",
    ("ssh", "exec_command"): "37fa9b25fb61abcf",
    ("ssh", "_bare_run"): "abd2cfb455788b98",
    ("local", "exec_command"): "cc17c27701319466",
}
"""What the engine does in the place of Ansible: how the SHA-256 of its text begins, there; a connection by its name."""


@functools.cache
def unlike():
    """The first of those that another Ansible has otherwise; nothing where all are as they were."""
    for (owner, name), parameters in _PARAMETERS.items():
        found = " ".join(inspect.signature(getattr(owner, name)).parameters)
        if found != parameters:
            return f"{owner.__name__}.{name} takes {found}"
    for (owner, name), digest in _TEXTS.items():
        if digest_of(owner, name) != digest:
            return f"{getattr(owner, '__name__', owner)}.{name} is another one in ansible-core {__version__}"
    return ""


def digest_of(owner, name):
    """How the SHA-256 of the text of that function begins, from its first line to the last that does something."""
    found = connection_loader.get(owner, class_only=True) if isinstance(owner, str) else owner
    code = inspect.unwrap(getattr(found, name)).__code__
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 : _last_line(code)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def _last_line(code):
    # inspect.getsource would look for the end by reading all of it as Python does, which takes ten times as long.
    own = [end for _, end, _, _ in code.co_positions() if end]
    return max(own + [_last_line(each) for each in code.co_consts if inspect.iscode(each)])


def reason_against(variables):
    """Why Ansible as it comes has to do all tasks: a host of those `variables` wants it, or this is another Ansible."""
    refusing = [name for name, of_host in variables.items() if of_host.get("runbook_engine") == "stock"]
    return f"runbook_engine of {refusing[0]} is stock" if refusing else unlike()
