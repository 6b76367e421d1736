"""The tasks of a host share a connection plugin where each would have made the same, and nowhere else."""

from __future__ import annotations

import pytest
from ansible.executor.task_executor import TaskExecutor
from ansible.inventory.host import Host
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import get_plugin_loader_namespace
from ansible.template import trust_as_template
from ansible.vars.manager import VariableManager
from harness.ansible_loader import plugin_loader
from runbook_executor import SharingExecutor

TOLD = trust_as_template("{{ ansible_user }} {{ ansible_host }} {{ ansible_port | default('') }}")
SAME = {"ansible_connection": "ssh", "ansible_host": "127.0.0.9", "ansible_user": "ops", "inventory_hostname": "db1"}


@pytest.fixture(autouse=True)
def _plugins():
    plugin_loader()


class Queue:
    """Where the results of items go, of which nobody hears here."""

    def send_callback(self, name, result):
        pass


class Done:
    """What tasks on hosts came to, done one after the other; `made` are the connection plugins that they had."""

    def __init__(self, monkeypatch, kind=SharingExecutor):
        self.kind, self.connections, self.made, self.asked = kind, {}, [], 0
        real = TaskExecutor._set_connection_options

        def note(executor, *arguments):
            self.asked += 1
            return real(executor, *arguments)

        monkeypatch.setattr(TaskExecutor, "_set_connection_options", note)

    def do(self, variables=SAME, *, host="db1", **keys):
        """What an assert answers that looks at what the connection plugin adds to the variables."""
        loader = DataLoader()
        task = Task.load(
            {
                "ansible.builtin.assert": {
                    "that": [trust_as_template("ansible_user == 'ops'")],
                    "fail_msg": TOLD,
                    "success_msg": TOLD,
                },
                **keys,
            },
            block=Block(play=Play()),
            loader=loader,
        )
        manager, plugins = VariableManager(loader=loader), get_plugin_loader_namespace()
        arguments = (Host(host), task, dict(variables), PlayContext(), loader, plugins, Queue(), manager)
        executor = (
            SharingExecutor(self.connections, *arguments) if self.kind is SharingExecutor else TaskExecutor(*arguments)
        )
        result = executor.run()
        self.made.append(executor._connection)
        return result.get("msg"), result.get("failed")


CASES = {
    "the same": ([{}, {}], 1),
    "another host": ([{}, {"host": "db2"}], 2),
    "another address": ([{}, {"variables": {**SAME, "ansible_host": "127.0.0.8"}}], 2),
    "another user": ([{}, {"variables": {**SAME, "ansible_user": "root"}}], 2),
    "another user by the task": ([{}, {"remote_user": "root"}], 2),
    "another port": ([{"port": 22}, {"port": 2222}], 2),
    "arguments of ssh": ([{}, {"variables": {**SAME, "ansible_ssh_common_args": "-C"}}], 2),
    "another connection": ([{}, {"variables": {**SAME, "ansible_connection": "local"}}], 2),
    "a text that looks like a number": (
        [{"variables": {**SAME, "ansible_port": "22"}}, {"variables": {**SAME, "ansible_port": 22}}],
        2,
    ),
    "a template": ([{"variables": {**SAME, "ansible_user": trust_as_template("{{ 'ops' }}")}}] * 2, 2),
    "a list": ([{"variables": {**SAME, "ansible_ssh_common_args": ["-C"]}}] * 2, 2),
    "somebody else": ([{"become": True, "become_method": "sudo"}] * 2, 2),
    "somebody else by the inventory": (
        [{"variables": {**SAME, "ansible_become": True}, "become_method": "sudo"}] * 2,
        2,
    ),
    "items": ([{"loop": [1, 2]}] * 2, 4),
    "what else there is": ([{"variables": {**SAME, "word": trust_as_template("{{ 1 }}")}}, {}], 1),
}


@pytest.mark.parametrize("case", CASES)
def test_a_connection_plugin_is_shared_where_it_would_be_the_same(monkeypatch, case):
    tasks, made = CASES[case]
    shared, stock = Done(monkeypatch), Done(monkeypatch, TaskExecutor)

    answers = [shared.do(**each) for each in tasks]
    asked = shared.asked

    assert answers == [stock.do(**each) for each in tasks]
    assert asked == made


def test_a_connection_plugin_whose_options_are_wrong_is_not_kept(monkeypatch):
    done = Done(monkeypatch)
    wrong = {**SAME, "ansible_ssh_retries": "many"}

    answers = [done.do(wrong) for _ in range(2)]

    assert answers[0] == answers[1]
    assert answers[0][1] is True
    assert (done.asked, done.connections) == (2, {})


def test_the_connection_of_a_task_has_the_play_context_of_that_task(monkeypatch):
    done = Done(monkeypatch)

    done.do()
    first = done.made[0]._play_context
    done.do()

    assert done.made[0] is done.made[1]
    assert done.made[1]._play_context is not first
