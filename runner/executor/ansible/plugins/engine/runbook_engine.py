# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast engine: plain tasks are done in this process instead of in a fork for each, and hosts keep one Python.

Ansible's own linear strategy, task executor, action plugins, templates, conditions, `until` and `loop` do all of it:
only *where* a task executor runs is changed (in a greenlet), and *how* our `command` module is reached (by the Python
that stays on the host). What is not known for certain goes the stock way, task by task.
"""

from __future__ import annotations

import collections
import inspect
import json
import os
import shlex
import time
import types

from ansible import constants
from ansible._internal._templating._jinja_bits import AnsibleEnvironment
from ansible.errors import AnsibleError
from ansible.executor import task_executor
from ansible.executor.process import worker as worker_process
from ansible.executor.task_executor import TaskExecutor
from ansible.executor.task_result import _RawTaskResult
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.plugins import loader as plugin_loader
from ansible.plugins.action import ActionBase
from ansible.plugins.strategy import StrategyBase
from ansible.vars.clean import remove_internal_keys
from runbook_connection import (
    CONNECTIONS,
    OURS,
    SSH_FAILED,
    NotKnownError,
    becomes,
    check,
    command_line,
    ended,
    words,
)
from runbook_host_python import BOOT, HostPython, HostPythonEndedError
from runbook_hub import ATTEMPT, Hub
from runbook_template_cache import TemplateCache, compiling_computes_nothing

_ANSWERED_HERE = {f"ansible.builtin.{name}" for name in ("assert", "set_fact", "debug", "fail", "include_tasks")}
_ASKED_THERE = {f"ansible.builtin.{name}" for name in ("command", "shell")}
_IDLE = 0.25
_SOON, _DELIVERED = 0.0005, 0.02
"""Seconds between two looks for a result that a thread of Ansible's is about to deliver, and how long that takes."""


class StockWay(BaseException):
    """The task that runs now has to be done by a worker of Ansible's, as nothing of it has been done yet.

    Not an Exception: Ansible would take that for the task's own.
    """


class Engine:
    """What takes the place of three methods of Ansible's, and the Pythons on the hosts."""

    def __init__(self):
        self.hub = Hub()
        self.tasks, self.stock = 0, collections.Counter()
        self._run = os.environ[ATTEMPT]
        self._pythons = {}
        self._unfinished, self._sent = 0, 0.0
        with open(OURS) as file:
            self._module = file.read()
        self.stock_queue, self.stock_wait = StrategyBase._queue_task, StrategyBase._wait_on_pending_results
        self.stock_module = ActionBase._execute_module

    def queue(self, strategy, host, task, task_vars, play_context):
        """In place of `_queue_task`: begin the task in a greenlet, or hand it to a worker of Ansible's."""
        why = stock_reason(task, task_vars)
        if why:
            self.stock[why] += 1
            self.stock_queue(strategy, host, task, task_vars, play_context)
            return
        self.tasks += 1
        about = {"host": host, "task": task, "task_vars": task_vars, "play_context": play_context}
        strategy._queued_task_cache[(host.name, task._uuid)] = about
        strategy._tqm.send_callback("v2_runner_on_start", host, task)
        strategy._pending_results += 1
        self._unfinished += 1
        self.hub.start(lambda _: self._work(strategy, host, task, task_vars, play_context))

    def _work(self, strategy, host, task, task_vars, play_context):
        own = task.copy(exclude_parent=True, exclude_tasks=True)
        own._parent = task._parent
        try:
            with worker_process._task.TaskContext(own):
                executor = TaskExecutor(
                    host,
                    own,
                    task_vars.copy(),
                    play_context.copy(),
                    strategy._loader,
                    plugin_loader.get_plugin_loader_namespace(),
                    strategy._final_q,
                    strategy._variable_manager,
                )
                result = executor.run()
            fields = own.dump_attrs()
            strategy._final_q.send_task_result(
                _RawTaskResult(host=host, task=own, return_data=result, task_fields=fields)
            )
            self._sent = time.monotonic()
        except StockWay as why:
            self._leave(strategy, host, task, task_vars, play_context, str(why))
        finally:
            self._unfinished -= 1

    def _leave(self, strategy, host, task, task_vars, play_context, why):
        """Hand the task over to a worker of Ansible's; that it begins has been told."""
        self.tasks -= 1
        self.stock[why] += 1
        tqm, strategy._tqm = strategy._tqm, _Quiet(strategy._tqm)
        try:
            strategy._pending_results -= 1
            self.stock_queue(strategy, host, task, task_vars, play_context)
        finally:
            strategy._tqm = tqm

    def wait(self, strategy, iterator):
        """In place of `_wait_on_pending_results`: let all that wait go on until each task has its result."""
        results = []
        while strategy._pending_results > 0 and not strategy._tqm._terminated:
            if strategy._tqm.has_dead_workers():
                raise AnsibleError("A worker was found in a dead state")
            results.extend(strategy._process_pending_results(iterator))
            if strategy._pending_results > 0:
                self.hub.poll(self._patience(strategy))
        return results

    def _patience(self, strategy):
        if strategy._pending_results == self._unfinished:
            return _IDLE
        is_coming = time.monotonic() - self._sent < _DELIVERED
        return _SOON if is_coming else constants.DEFAULT_INTERNAL_POLL_INTERVAL

    def execute_module(self, action, *args, **options):
        """In place of `_execute_module`: ask the Python that stays on the host, if it is our module that is meant."""
        worker = self.hub.current()
        if worker is None:
            return self.stock_module(action, *args, **options)
        try:
            return self._ask(worker, action, *args, **options)
        except NotKnownError as why:
            if not worker.asked:
                raise StockWay(str(why)) from None
            return self.stock_module(action, *args, **options)

    def _ask(self, worker, action, module_name=None, module_args=None, tmp=None, task_vars=None, **others):
        if module_name != "ansible.legacy.command" or module_args or any(others.values()):
            raise NotKnownError(f"the module {module_name}")
        arguments = action._task.args
        action._update_module_args(module_name, arguments, task_vars)
        module, path = action._configure_module(module_name=module_name, module_args=arguments, task_vars=task_vars)
        check(action, module, path, arguments)
        action._used_interpreter = module.shebang
        encoder = get_module_encoder(module.serialization_profile, Direction.CONTROLLER_TO_MODULE)
        environment = {}
        action._compute_environment_string(environment)
        environment = {name: str(value) for name, value in environment.items()}
        try:
            python = self._python(action, module.shebang)
            answer = python.ask(json.loads(json.dumps(arguments, cls=encoder)), environment)
        except HostPythonEndedError as end:
            if not end.was_ready and end.code != SSH_FAILED:
                raise NotKnownError("no Python stays there") from None
            answer = ended(action, end)
        worker.asked = True
        return _result(action, _texts(answer), module.serialization_profile)

    def _python(self, action, shebang):
        connection = action._connection
        connection._connect()
        interpreter = shebang.removeprefix("#!").strip()
        boot = f"{ATTEMPT}={shlex.quote(self._run)} {interpreter} -u -c {shlex.quote(BOOT)}"
        key = (*words(action, boot), becomes(action))
        if key not in self._pythons or self._pythons[key].ended:
            options = {"env": {**os.environ, ATTEMPT: self._run}, "start_new_session": True}
            if connection.transport == "local":
                options |= {"cwd": action._loader.get_basedir(), "executable": constants.DEFAULT_EXECUTABLE.split()[0]}
                options["shell"] = True
            self._pythons[key] = HostPython(self.hub, command_line(action, boot), self._module, **options)
        return self._pythons[key]


def stock_reason(task, task_vars):
    """Why the task has to be done by a worker of Ansible's; nothing where it can be done here."""
    action = getattr(task, "resolved_action", None) or task.action
    if action not in _ANSWERED_HERE | _ASKED_THERE:
        return action
    for name in ("async_val", "timeout", "throttle", "debugger"):
        if getattr(task, name):
            return f"with {name.removesuffix('_val')}"
    connection = task_vars.get("ansible_connection", task.connection)
    if action in _ASKED_THERE and connection not in CONNECTIONS:
        return f"by the connection {connection}"
    return ""


def _texts(answer):
    """What was printed, as Ansible reads it."""
    texts = {name: answer[name].encode("latin-1", "replace") for name in ("stdout", "stderr")}
    decoded = {name: text.decode(errors="replace") for name, text in texts.items()}
    return {**decoded, **{f"{name}_lines": text.splitlines() for name, text in decoded.items()}, "rc": answer["rc"]}


def _result(action, answer, profile):
    """The rest of `_execute_module`: what a module has printed, as the result of a task."""
    data = action._parse_returned_data(answer, profile)
    remove_internal_keys(data)
    for name in ("stdout", "stderr"):
        if name in data and f"{name}_lines" not in data:
            data[f"{name}_lines"] = (data[name] or "").splitlines()
    if action._discovered_interpreter_key:
        data["ansible_facts"] = data.get("ansible_facts") or {}
        data["ansible_facts"][action._discovered_interpreter_key] = action._discovered_interpreter
    return data


class _Quiet:
    """A task queue manager to which nobody can say that a task begins."""

    def __init__(self, tqm):
        self._tqm = tqm

    def __getattr__(self, name):
        return getattr(self._tqm, name)

    def send_callback(self, *_, **__):
        pass


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


def install(variables):
    """Let the engine take the place of Ansible's own methods in this process; what tells afterwards who did what.

    It does not where a host of those `variables` refuses it, or where Ansible is not the one that it was made for.
    """
    refusing = [name for name, of_host in variables.items() if of_host.get("runbook_engine") == "stock"]
    why = f"runbook_engine of {refusing[0]} is stock" if refusing else unlike()
    if why:
        return lambda: {"name": "stock", "why": why}
    engine = Engine()
    StrategyBase._queue_task = _method(engine.queue)
    StrategyBase._wait_on_pending_results = _method(engine.wait)
    ActionBase._execute_module = _method(engine.execute_module)
    if compiling_computes_nothing():
        cache = TemplateCache()
        AnsibleEnvironment.compile = _method(cache.compiled)
        AnsibleEnvironment.compile_expression = _method(cache.expression)
    task_executor.time = types.SimpleNamespace(sleep=engine.hub.sleep)
    return lambda: {"name": "fast", "tasks": engine.tasks, "stock": dict(engine.stock)}


def _method(function):
    """A function, which a class gives its objects as the first argument; it does not do so with a bound method."""

    def method(*args, **options):
        return function(*args, **options)

    return method
