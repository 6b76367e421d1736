# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast engine: plain tasks are done in this process instead of in a fork for each, and hosts keep one Python.

Ansible's own linear strategy, task executor, action plugins, templates, conditions, `until` and `loop` do all of it:
only *where* a task executor runs is changed (in a greenlet), and *how* our `command` module and `uri` are reached (by
the Python that stays on the host). What is not known for certain goes the stock way, task by task.
"""

from __future__ import annotations

import collections
import contextlib
import json
import time
import types

from ansible import constants
from ansible._internal._errors._task_timeout import TaskTimeoutError
from ansible._internal._templating._jinja_bits import AnsibleEnvironment
from ansible.errors import AnsibleError
from ansible.executor import task_executor
from ansible.executor.process import worker as worker_process
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.playbook.base import FieldAttributeBase
from ansible.playbook.task import Task
from ansible.plugins import action as action_plugins
from ansible.plugins import loader as plugin_loader
from ansible.plugins.action import ActionBase
from ansible.plugins.strategy import StrategyBase
from ansible.vars import manager as variables
from ansible.vars.clean import remove_internal_keys
from runbook_connection import OURS, NotKnownError, check, ended, environment, is_answered
from runbook_delivery import Delivery, Quiet
from runbook_executor import SharingExecutor
from runbook_host_python import HostPythonEndedError, UnknownModuleError
from runbook_host_pythons import HostPythons
from runbook_hub import Hub
from runbook_kept import PLUGINS, Modules, cleaned, copied, method, post_validate, task_environment
from runbook_packed import KNOWN, expected, taken_apart
from runbook_stock_way import stock_reason
from runbook_template_cache import TemplateCache, compiling_computes_nothing

_IDLE = 0.25
LEFT = None
"""What earlier parts of the run have left, where this process is one of its parts."""


class StockWay(BaseException):
    """The task that runs now has to be done by a worker of Ansible's, as nothing of it has been done yet.

    Not an Exception: Ansible would take that for the task's own.
    """


class Engine:
    """What takes the place of functions of Ansible's, and the Pythons on the hosts.

    `settle` waits until all that was told is recorded. Nothing is done on a host before; but what begins on several
    hosts at once is waited for once, so that the callback plugin need not wait while `settles` is true.
    """

    def __init__(self, settle):
        self.hub = Hub()
        self.settles, self._settle, self._begun = False, settle, []
        self.tasks, self.stock = 0, collections.Counter()
        self._pythons, self._modules, self._connections = HostPythons(self.hub, LEFT), Modules(), {}
        self._unfinished = 0
        self.stock_queue, self.stock_wait = StrategyBase._queue_task, StrategyBase._wait_on_pending_results
        self.stock_module, self.stock_discovery = ActionBase._execute_module, action_plugins.discover_interpreter
        self.stock_limit = TaskTimeoutError.alarm_timeout

    @classmethod
    def installed(cls, settle):
        """A new one, that has taken the place of Ansible's own methods in this process."""
        engine = cls(settle)
        StrategyBase._queue_task = method(engine.queue)
        StrategyBase._wait_on_pending_results = method(engine.wait)
        ActionBase._execute_module = method(engine.execute_module)
        action_plugins.discover_interpreter = engine.discover
        TaskTimeoutError.alarm_timeout = engine.limited
        PLUGINS.take_place()
        Task._post_validate_environment = method(task_environment)
        FieldAttributeBase.post_validate = method(post_validate)
        FieldAttributeBase.copy = method(copied)
        variables.clean_facts = cleaned
        if compiling_computes_nothing():
            cache = TemplateCache()
            AnsibleEnvironment.compile = method(cache.compiled)
            AnsibleEnvironment.compile_expression = method(cache.expression)
        task_executor.time = types.SimpleNamespace(**{**vars(time), "sleep": engine.hub.sleep})
        return engine

    def told(self):
        """Who has done the tasks, as it is recorded."""
        return {"name": "fast", "tasks": self.tasks, "stock": dict(self.stock)}

    def leave(self):
        """Leave to the next part of the run what goes on."""
        self._pythons.leave()

    def queue(self, strategy, host, task, task_vars, play_context):
        """In place of `_queue_task`: begin the task in a greenlet, or hand it to a worker of Ansible's."""
        why = stock_reason(task, task_vars)
        if why:
            self.stock[why] += 1
            self.stock_queue(strategy, host, task, task_vars, play_context)
            return
        while self._unfinished >= len(strategy._workers):  # no more hosts at a time than Ansible has forks
            self._go_on(_IDLE)
        self.tasks += 1
        about = {"host": host, "task": task, "task_vars": task_vars, "play_context": play_context}
        strategy._queued_task_cache[(host.name, task._uuid)] = about
        self.settles = True
        strategy._tqm.send_callback("v2_runner_on_start", host, task)
        self.settles = False
        strategy._pending_results += 1
        self._unfinished += 1
        self.hub.start(lambda _: self._work(strategy, host, task, task_vars, play_context))

    def _work(self, strategy, host, task, task_vars, play_context):
        own = task.copy(exclude_parent=True, exclude_tasks=True)
        own._parent = task._parent
        delivery = Delivery(strategy)
        try:
            with worker_process._task.TaskContext(own):
                executor = SharingExecutor(
                    self._connections,
                    host,
                    own,
                    task_vars.copy(),
                    play_context.copy(),
                    strategy._loader,
                    plugin_loader.get_plugin_loader_namespace(),
                    delivery,
                    strategy._variable_manager,
                )
                result = executor.run()
            delivery.end(host, own, result)
        except StockWay as why:
            self._leave(strategy, host, task, task_vars, play_context, str(why))
        finally:
            self._unfinished -= 1

    def _leave(self, strategy, host, task, task_vars, play_context, why):
        """Hand the task over to a worker of Ansible's; that it begins has been told."""
        self.tasks -= 1
        self.stock[why] += 1
        self._settle()
        tqm, strategy._tqm = strategy._tqm, Quiet(strategy._tqm)
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
                self._go_on(self._patience(strategy))
        return results

    def _go_on(self, most):
        """Let go on who can, after waiting for `most` seconds at most for somebody who can."""
        if self._begun:
            self._let_begin()
        else:
            self.hub.poll(most)

    def _let_begin(self):
        """Let those go on that are about to do something on a host for the first time, once all of it is recorded."""
        self._settle()
        begun, self._begun = self._begun, []
        for worker in begun:
            self.hub.resume(worker)

    def _patience(self, strategy):
        """Seconds to the next look for what the workers of Ansible's deliver, if any is at work."""
        return _IDLE if strategy._pending_results == self._unfinished else constants.DEFAULT_INTERNAL_POLL_INTERVAL

    def execute_module(self, action, *args, **options):
        """In place of `_execute_module`: ask the Python that stays on the host, if it can do the module."""
        worker = self.hub.current()
        if worker is None:
            return self.stock_module(action, *args, **options)
        try:
            return self._ask(worker, action, *args, **options)
        except NotKnownError as why:
            if not worker.asked:
                raise StockWay(str(why)) from None
            self.stock[str(why)] += 1
            return self.stock_module(action, *args, **options)

    def discover(self, *args, **options):
        """In place of `discover_interpreter`, which looks for a Python on the host: that begins the task there."""
        worker = self.hub.current()
        if worker is None or worker.asked:
            return self.stock_discovery(*args, **options)
        raise NotKnownError("with a Python that is still to be found")

    @contextlib.contextmanager
    def limited(self, seconds):
        """In place of `alarm_timeout`, as a process has only one alarm: bound the time in which a host answers."""
        worker = self.hub.current()
        if worker is None or not 0 < (seconds or 0) <= TaskTimeoutError._MAX_TIMEOUT:
            with self.stock_limit(seconds):
                yield
            return
        worker.limit = time.monotonic() + seconds, TaskTimeoutError(seconds)
        try:
            yield
        finally:
            worker.limit = None

    def _ask(self, worker, action, module_name=None, module_args=None, tmp=None, task_vars=None, **others):
        if any(others.values()) or module_name not in {"ansible.legacy.command", *KNOWN}:
            raise NotKnownError(f"the module {module_name}")
        if module_name in KNOWN:
            return self._ask_packed(worker, action, module_name, module_args, task_vars)
        if module_args:
            raise NotKnownError(f"the module {module_name} with other arguments than the task's")
        arguments = action._task.args
        action._update_module_args(module_name, arguments, task_vars)
        module, path = self._modules.configured(action, module_name, arguments, task_vars)
        if path != OURS:
            raise NotKnownError("another module is called command")
        check(action, module.module_style, arguments)
        action._used_interpreter = module.shebang
        encoder = get_module_encoder(module.serialization_profile, Direction.CONTROLLER_TO_MODULE)
        soon = expected(action, self._modules, task_vars)
        answer = self._answer(worker, action, json.loads(json.dumps(arguments, cls=encoder)), soon=soon)
        return _result(action, answer, module.serialization_profile)

    def _ask_packed(self, worker, action, name, arguments, variables):
        """Ask a module of Ansible's: all that `_execute_module` does is done, but for what starts a Python there."""
        check(action, "new", arguments)

        def instead(_, in_data=None, **__):
            del action._low_level_execute_command
            packed, text = taken_apart(name, in_data)
            return self._answer(worker, action, text, packed)

        action._low_level_execute_command = instead
        try:
            return self.stock_module(action, name, arguments, task_vars=variables)
        finally:
            vars(action).pop("_low_level_execute_command", None)

    def _answer(self, worker, action, arguments, packed=None, soon=None):
        """What a module prints, and exits with, on the host of the `action`."""
        given = environment(action)
        if not worker.asked:
            self._wait_to_begin(worker)
        try:
            answer = self._pythons.answer(action, arguments, given, packed, soon)
        except UnknownModuleError:
            raise NotKnownError("the Python there cannot import it") from None
        except HostPythonEndedError as end:
            if not is_answered(action, end):
                raise NotKnownError("no Python stays there") from None
            worker.asked = True
            answer = ended(action, end)
        except TaskTimeoutError:
            worker.asked = True  # what was begun there goes on: the next item of a loop must not have all done anew
            raise
        worker.asked = True
        return _texts(answer)

    def _wait_to_begin(self, worker):
        self._begun.append(worker)
        try:
            self.hub.wait()
        except TaskTimeoutError:
            self._begun.remove(worker)
            raise


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
