"""Ansible as it comes: what fails is said in the words of its host, and an address is that of the inventory."""

import json
import os
import signal
import sys
from contextlib import suppress

import pytest
from harness.bench import module_python

from runner.core.errors import ExecutionError
from runner.core.process_stat import is_alive
from runner.core.wording import lines_joined
from runner.lab.drills.plain_ansible import PlainAnsible

pytestmark = pytest.mark.live

PLAY = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {"name": "first", "ansible.builtin.assert": {"that": "secret == 'a b'"}},
            {"name": "second", "ansible.builtin.assert": {"that": "false", "fail_msg": 'no "order" is left'}},
        ],
    }
]


@pytest.fixture
def ansible(tmp_path):
    (tmp_path / "hosts.ini").write_text(
        "[app]\none ansible_connection=local ansible_host=10.1.2.3 runbook_environment=lab\ntwo ansible_host=10.1.2.4\n"
    )
    return PlainAnsible([tmp_path / "hosts.ini"], tmp_path)


def test_a_task_that_fails_is_an_error_in_its_own_words(ansible, tmp_path):
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([{**PLAY[0], "hosts": "one"}]))

    with pytest.raises(ExecutionError) as caught:
        ansible.play("the proof", playbook, {"secret": "a b"}, log=tmp_path / "log")

    assert (caught.value.message, caught.value.hint) == ("the proof failed", 'one: no "order" is left')
    assert (tmp_path / "variables.json").stat().st_mode & 0o077 == 0


def test_of_a_command_that_fails_the_last_lines_are_told(ansible, tmp_path):
    playbook = tmp_path / "play.yml"
    task = {"ansible.builtin.shell": "seq 9 >&2; exit 3"}
    playbook.write_text(json.dumps([{"hosts": "one", "gather_facts": False, "tasks": [task]}]))

    with pytest.raises(ExecutionError) as caught:
        ansible.play("the undo", playbook, {"ansible_python_interpreter": module_python()}, log=tmp_path / "log")

    assert caught.value.hint == "one: " + lines_joined("5\n6\n7\n8\n9")


@pytest.mark.parametrize(
    ("said", "told"),
    [("seq 9 >&2", lines_joined("5\n6\n7\n8\n9")), ("echo it is full", "it is full")],
    ids=["stderr", "stdout"],
)
def test_where_a_judgement_fails_it_is_told_with_what_the_command_said(ansible, tmp_path, said, told):
    # Given a task that judges what the one before it has done, as the steps of a runbook are compiled to
    playbook = tmp_path / "play.yml"
    act = {"ansible.builtin.shell": f"{said}; exit 3", "register": "result", "failed_when": False}
    judge = {"name": "RUN-001/back/verify/1 | It ends well", "ansible.builtin.assert": {"that": "result.rc == 0"}}
    playbook.write_text(json.dumps([{"hosts": "one", "gather_facts": False, "tasks": [act, judge]}]))
    # When
    with pytest.raises(ExecutionError) as caught:
        ansible.play("the undo", playbook, {"ansible_python_interpreter": module_python()}, log=tmp_path / "log")
    # Then
    assert caught.value.hint == f"one: It ends well: {told}"


def test_what_a_command_said_that_handles_a_secret_is_not_told(ansible, tmp_path):
    # Given a command that fails as it may, and after it one whose words nobody may see
    playbook = tmp_path / "play.yml"
    act = {"register": "result", "failed_when": False}
    before = {"ansible.builtin.shell": "echo nothing to do; exit 1", **act}
    hidden = {"ansible.builtin.shell": "echo hunter2; exit 3", "no_log": True, **act}
    judge = {"name": "RUN-001/back/verify/1 | It ends well", "ansible.builtin.assert": {"that": "result.rc == 0"}}
    playbook.write_text(json.dumps([{"hosts": "one", "gather_facts": False, "tasks": [before, hidden, judge]}]))
    # When
    with pytest.raises(ExecutionError) as caught:
        ansible.play("the undo", playbook, {"ansible_python_interpreter": module_python()}, log=tmp_path / "log")
    # Then
    assert caught.value.hint == "one: It ends well"
    assert "hunter2" not in (tmp_path / "log").read_text()


def test_the_inventory_is_what_ansible_reads(ansible):
    inventory = ansible.inventory()

    assert [inventory.address(name) for name in ("two", "app", "shop.example")] == [
        "10.1.2.4",
        "10.1.2.3",
        "shop.example",
    ]
    assert inventory.of_production == ("two",)


@pytest.mark.parametrize("leaves", [True, False])
def test_what_a_play_leaves_on_this_machine_stays_only_where_it_may(ansible, tmp_path, leaves):
    pid, playbook = tmp_path / "pid", tmp_path / "play.yml"
    left = f"setsid sh -c 'echo $$ >{pid}; exec sleep 300' </dev/null >/dev/null 2>&1 &"
    wait = f"while [ ! -s {pid} ]; do sleep 0.05; done"
    task = {"name": "leave", "ansible.builtin.shell": f"{left} {wait}"}
    playbook.write_text(json.dumps([{"hosts": "one", "gather_facts": False, "tasks": [task]}]))

    python = {"ansible_python_interpreter": sys.executable}
    ansible.play("the undo", playbook, python, log=tmp_path / "log", leaves=leaves)

    number = int(pid.read_text())
    try:
        assert is_alive(number) is leaves
    finally:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
