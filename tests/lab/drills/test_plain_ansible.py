"""Ansible as it comes: what fails is said in the words of its host, and an address is that of the inventory."""

import json

import pytest

from runner.core.errors import ExecutionError
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


def test_the_inventory_is_what_ansible_reads(ansible):
    inventory = ansible.inventory()

    assert [inventory.address(name) for name in ("two", "app", "shop.example")] == [
        "10.1.2.4",
        "10.1.2.3",
        "shop.example",
    ]
    assert inventory.of_production == ("two",)
