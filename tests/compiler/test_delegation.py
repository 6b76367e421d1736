"""What one machine does for other hosts is a block like any other, which says where it is done; RUN-903 has all of it."""

from __future__ import annotations

import pytest

from runner.compiler.delegation import by_machine, delegated
from runner.kinds.ansible_yaml import Block, Task

LOOKS = Task("look", "ansible.builtin.command", {"argv": ["ls"]})
ASKS = Block("ask", [Task("sql", "ansible.builtin.command", {}, {"environment": "{{ runbook_sql | default({}) }}"})])


def test_a_step_of_its_own_hosts_says_nothing():
    assert delegated(None, [LOOKS, ASKS]) == {}


@pytest.mark.parametrize(
    ("on", "to"),
    [
        ("lb1", "{{ groups['lb1'] | default(['lb1']) | join(',') }}"),
        ("localhost", "localhost"),
    ],
)
def test_it_is_done_there_for_one_host_after_the_other(on, to):
    assert delegated(on, [LOOKS]) == {
        "vars": {"step_host": "{{ inventory_hostname }}"},
        "delegate_to": to,
        "throttle": 1,
    }


def test_a_database_is_reached_as_the_machine_itself_reaches_it():
    keywords = delegated("db1", [ASKS])

    there = "hostvars[groups['db1'] | default(['db1']) | join(',')]"
    assert keywords["vars"] == {
        "step_host": "{{ inventory_hostname }}",
        "runbook_sql": f"{{{{ {there}.runbook_sql | default({{}}) }}}}",
    }


def test_a_program_is_that_of_the_machine_that_looks():
    there = "hostvars[groups['app'] | default(['app']) | join(',')]"

    assert by_machine("app", {"argv": ["{{ runbook_python | default('python3') }}"]}) == (
        {"runbook_python": f"{{{{ {there}.runbook_python | default('python3') }}}}"},
        "{{ groups['app'] | default(['app']) | join(',') }}",
    )
    assert by_machine("localhost", ["ls"]) == ({}, "localhost")
