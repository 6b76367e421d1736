"""Why tasks go the stock way: this Ansible is not the one that the engine was made for, or a host wants it."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.strategy import StrategyBase
from harness.ansible_loader import plugin_loader
from runbook_stock_way import reason_against, stock_reason, unlike


@pytest.fixture(autouse=True)
def _anew():
    plugin_loader()
    unlike.cache_clear()
    yield
    unlike.cache_clear()


def test_the_ansible_that_is_installed_is_the_one_that_the_engine_was_made_for():
    assert unlike() == ""


def test_another_parameter_of_what_is_called_is_told(monkeypatch):
    monkeypatch.setattr(ActionBase, "_parse_returned_data", lambda self, res: res)

    assert unlike() == "ActionBase._parse_returned_data takes self res"


def test_another_text_of_what_is_done_in_its_place_is_told_though_its_parameters_are_the_same(monkeypatch):
    def _queue_task(self, host, task, task_vars, play_context):
        """Does something else."""

    monkeypatch.setattr(StrategyBase, "_queue_task", _queue_task)

    assert unlike().startswith("StrategyBase._queue_task is another one in ansible-core 2.")


def test_what_stands_around_a_function_is_not_the_function(monkeypatch):
    def around(self, raw_environment_out=None):
        return around.__wrapped__(self, raw_environment_out)

    around.__wrapped__ = ActionBase._compute_environment_string
    monkeypatch.setattr(ActionBase, "_compute_environment_string", around)

    assert unlike() == ""


def test_a_host_may_want_the_stock_way_for_the_whole_run():
    assert reason_against({"a": {}, "b": {"runbook_engine": "stock"}}) == "runbook_engine of b is stock"
    assert reason_against({"a": {}, "b": {"runbook_engine": "fast"}}) == ""


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({"ansible.builtin.uri": {"url": "http://a", "body": {"a": 1}, "body_format": "json"}, "timeout": 9}, ""),
        ({"ansible.builtin.uri": {"url": "http://a", "src": "file"}}, "ansible.builtin.uri with src"),
        ({"ansible.builtin.uri": {"url": "http://a", "dest": "file"}}, "ansible.builtin.uri with dest"),
        (
            {"ansible.builtin.uri": {"url": "http://a", "body_format": "{{ f }}"}},
            "ansible.builtin.uri with another body_format",
        ),
        ({"ansible.builtin.uri": "{{ all }}"}, "ansible.builtin.uri with _raw_params"),
        ({"ansible.builtin.command": "true", "timeout": 9}, "with timeout"),
        ({"ansible.builtin.uri": {"url": "http://a"}, "async": 9}, "with async"),
        ({"ansible.builtin.stat": {"path": "/"}}, "ansible.builtin.stat"),
    ],
)
def test_a_task_that_is_not_known_for_certain_says_why(task, reason):
    assert stock_reason(Task.load(task, loader=DataLoader()), {"ansible_connection": "local"}) == reason
