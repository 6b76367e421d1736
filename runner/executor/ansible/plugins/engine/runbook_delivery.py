# Copyright: the runbookctl authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivers what a task executor of this process has; a worker of Ansible's has a queue and a thread for that."""

from __future__ import annotations

import contextvars
import pickle
from multiprocessing.reduction import ForkingPickler

from ansible.executor.task_result import _RawTaskResult


class Delivery:
    """What takes the place of the queue to the results of a strategy.

    It delivers copies, as the queue does, at once, and with nothing around of what the task executor is about.
    """

    def __init__(self, strategy):
        self._strategy = strategy

    def send_callback(self, name, result):
        """Tell the callback plugins something of a task that goes on."""
        contextvars.Context().run(self._tell, name, result.as_wire_task_result())

    def _tell(self, name, wire):
        self._strategy._tqm.send_callback(name, self._strategy._convert_wire_task_result_to_raw(_copy(wire)))

    def end(self, host, task, result):
        """Give the strategy what has come of the task, which is nobody else's any more."""
        fields = task.dump_attrs()
        task._finalized = task._squashed = True
        with self._strategy._results_lock:
            self._strategy._results.append(
                _RawTaskResult(host=host, task=task, return_data=_copy(result), task_fields=fields)
            )


def _copy(value):
    return pickle.loads(ForkingPickler.dumps(value))  # noqa: S301 - it is our own


class Quiet:
    """A task queue manager to which nobody can say that a task begins."""

    def __init__(self, tqm):
        self._tqm = tqm

    def __getattr__(self, name):
        return getattr(self._tqm, name)

    def send_callback(self, *_, **__):
        pass
