"""What is delivered within a process is what comes out of the queue of Ansible's: copies, and nothing around them."""

from __future__ import annotations

import contextvars
import threading

from ansible.executor.task_result import _RawTaskResult
from ansible.inventory.host import Host
from ansible.module_utils._internal._datatag import AnsibleTagHelper
from ansible.playbook.task import Task
from ansible.template import is_trusted_as_template, trust_as_template
from runbook_delivery import Delivery

AROUND = contextvars.ContextVar("AROUND", default="nothing")


class Strategy:
    """What a strategy has of which a delivery is in need; it takes what was sent for a result of the task."""

    def __init__(self, task):
        self._results, self._results_lock, self._tqm, self.task = [], threading.Lock(), self, task
        self.heard = []

    def send_callback(self, name, result):
        self.heard.append((name, result.task, result._return_data, AROUND.get()))

    def _convert_wire_task_result_to_raw(self, wire):
        return _RawTaskResult(
            host=Host("db1"), task=self.task, return_data=wire.return_data, task_fields=wire.task_fields
        )


def sent(value):
    """A result of a task with that value, and what delivers it."""
    task = Task()
    task.name, task.vars = "look", {"a": "b"}
    strategy = Strategy(task)
    return task, strategy, Delivery(strategy), {"stdout": value, "rows": [value]}


def test_the_result_is_a_copy_and_what_is_a_template_is_one_in_it():
    text = trust_as_template("{{ word }}")
    task, strategy, delivery, result = sent(text)

    delivery.end(Host("db1"), task, result)
    result["rows"].append("later")

    (told,) = strategy._results
    assert told._return_data == {"stdout": text, "rows": [text]}
    assert is_trusted_as_template(told._return_data["rows"][0])
    assert AnsibleTagHelper.tags(told._return_data["stdout"]) == AnsibleTagHelper.tags(text)


def test_the_task_of_a_result_is_what_has_been_done():
    task, strategy, delivery, result = sent("x")

    delivery.end(Host("db1"), task, result)

    (told,) = strategy._results
    assert (told.host.name, told.task, told.task_name, told.task_fields["vars"]) == ("db1", task, "look", {"a": "b"})
    assert (told.task._finalized, told.task._squashed) == (True, True)


def test_what_is_told_while_a_task_goes_on_is_a_copy_with_nothing_around_it():
    task, strategy, delivery, result = sent("x")
    token = AROUND.set("the task")
    try:
        raw = _RawTaskResult(host=Host("db1"), task=task, return_data=result, task_fields={})
        delivery.send_callback("v2_runner_retry", raw)
    finally:
        AROUND.reset(token)
    result["rows"].append("later")

    assert strategy.heard == [("v2_runner_retry", task, {"stdout": "x", "rows": ["x"]}, "nothing")]
