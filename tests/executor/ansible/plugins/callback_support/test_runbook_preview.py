"""What a task would do, by Ansible's own loader: filled in, with all that is around it, and with no vaulted value."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.playbook import Playbook
from ansible.vars.manager import VariableManager
from harness.ansible_loader import plugin_loader

import runner

sys.path.append(str(Path(runner.__file__).parent / "executor" / "ansible" / "plugins" / "callback_support"))

from runbook_preview import preview
from runbook_preview import vaulted as vaulted_file

PLAY = """
- hosts: all
  gather_facts: false
  environment: {RUNBOOK_RUN_ID: abc, RUNBOOK_ATTEMPT: abc/act/1}
  tasks:
    - block:
        - name: RUN-001/act/action | Act
          ansible.builtin.command:
            argv: [echo, "{{ word }}", "{{ password }}", "{{ port + 1 }}"]
            chdir: "{{ root }}"
          environment: {ROOT: "{{ root }}", API_TOKEN: plain, DB: "{{ password }}"}
      become: true
      become_user: "{{ who }}"
"""
PASSWORD = [("default", VaultSecret(b"none of your business"))]


@pytest.fixture
def shown(tmp_path):
    """What the task would do on the host with these variables, and with those of a file that is encrypted whole."""

    def show(*, vaulted="password: s3cret-value\nport: 5431\n", play=PLAY, **variables):
        (tmp_path / "play.yml").write_text(play)
        (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"db1": variables}}}))
        (tmp_path / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
        encrypted = VaultLib(PASSWORD).encrypt(vaulted.encode(), vault_id="default")
        (tmp_path / "group_vars" / "all" / "secrets.yml").write_bytes(encrypted)
        plugin_loader()
        vaulted_file.cache_clear()  # what a process has read stays as it was, as with Ansible itself
        loader = DataLoader()
        loader.set_vault_secrets(PASSWORD)
        loader.set_basedir(str(tmp_path))
        inventory = InventoryManager(loader, sources=[str(tmp_path / "hosts.yml")])
        manager = VariableManager(loader, inventory)
        play = Playbook.load(str(tmp_path / "play.yml"), variable_manager=manager, loader=loader).get_plays()[0]
        task = play.tasks[0].block[0]
        found = manager.get_vars(play=play, host=inventory.get_host("db1"), task=task)
        beside = play.tasks[0].block[1:]
        return json.loads(json.dumps(preview(task, found, {}, loader, beside), default=str))

    return show


def test_everything_is_filled_in_and_a_vaulted_value_is_a_reference_to_its_ciphertext(shown):
    told = shown(word="a b", root="/srv", who="app", ansible_host="10.0.0.1", ansible_password="pw")

    reference = told["args"]["argv"][2]
    assert re.fullmatch(r"vault:password \(ciphertext [0-9a-f]{8}\)", reference)
    computed = told["args"]["argv"].pop(3)
    assert computed.startswith("{{ port + 1 }} (vault:")
    assert told == {
        "module": "ansible.builtin.command",
        "args": {"argv": ["echo", "a b", reference], "chdir": "/srv"},
        "environment": {"ROOT": "/srv", "API_TOKEN": "(set, not shown)", "DB": reference},
        "become": {"user": "app", "method": "sudo"},
        "connection_settings": {"ansible_host": "10.0.0.1", "ansible_password": "(set, not shown)"},
    }


def test_another_value_in_the_vault_is_another_reference(shown):
    given = {"word": "a", "root": "/srv", "who": "app"}

    assert shown(**given) != shown(vaulted="password: another-value\nport: 5431\n", **given)


def test_what_the_inventory_says_of_another_user_counts_before_the_task(shown):
    told = shown(word="a", root="/srv", who="app", ansible_become_user="root", ansible_become_method="doas")

    assert told["become"] == {"user": "root", "method": "doas"}
    assert "become" not in shown(word="a", root="/srv", who="app", ansible_become=False)


def test_what_is_not_known_stays_as_it_is_written_and_is_told(shown):
    told = shown(word="a", who="app")

    assert told["args"]["chdir"] == "{{ root }}"
    assert told["missing"] == ["'root' is undefined"]


PROBING = """
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - {name: RUN-001/act/action | Act, ansible.builtin.command: {argv: [uptime]}}
        - name: RUN-001/act/verify/1/probe | It is well
          ansible.builtin.command: {argv: [python3, "{{ word }}"], chdir: "{{ playbook_dir }}"}
"""


def test_where_the_playbook_lies_decides_nothing(shown):
    # Each part of a run has it in a directory of its own; what lies there is known by its hash
    assert shown(play=PROBING, word="look")["uses"] == {"word": "look"}


CALLS = {
    "copied": {"ansible.builtin.copy": {"src": "PATH", "dest": "/etc/motd"}},
    "copied, it says so": {"ansible.builtin.copy": {"src": "PATH", "remote_src": "no", "dest": "/etc/motd"}},
    "assembled": {"ansible.builtin.assemble": {"src": "PATH", "remote_src": False, "dest": "/etc/motd"}},
    "sent": {"ansible.builtin.uri": {"url": "https://a.example", "src": "PATH"}},
    "sent as a part": {
        "ansible.builtin.uri": {
            "url": "https://a.example",
            "body_format": "form-multipart",
            "body": {"part": {"filename": "PATH"}},
        }
    },
}
STAYS = {
    "copied there": {"ansible.builtin.copy": {"src": "PATH", "remote_src": True, "dest": "/etc/motd"}},
    "assembled there": {"ansible.builtin.assemble": {"src": "PATH", "dest": "/etc/motd"}},
    "looked for there": {"ansible.builtin.stat": {"path": "PATH"}},
    "named in a text": {"ansible.builtin.uri": {"url": "https://a.example", "body": "PATH"}},
}


def playing(call, path):
    block = {"block": [{"name": "RUN-001/act/action | Act", **call}]}
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [block]}]).replace("PATH", str(path))


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_file_that_a_module_brings_from_this_machine_is_told_by_its_content(shown, tmp_path, call):
    file = tmp_path / "brought"
    file.write_text("one")
    first = shown(play=playing(call, file))["files"]
    file.write_text("two")

    assert list(first) == [str(file)]
    assert shown(play=playing(call, file))["files"].keys() == first.keys()
    assert shown(play=playing(call, file))["files"] != first


@pytest.mark.parametrize("call", STAYS.values(), ids=STAYS)
def test_a_path_of_the_host_is_no_file_of_this_machine(shown, tmp_path, call):
    (tmp_path / "brought").write_text("one")

    assert "files" not in shown(play=playing(call, tmp_path / "brought"))


def test_what_lies_behind_a_link_in_a_directory_is_brought_as_well(shown, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_text("one")
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "brought" / "loop").symlink_to(tmp_path / "brought")
    play = playing(CALLS["copied"], tmp_path / "brought")
    before = shown(play=play)["files"]
    (tmp_path / "elsewhere" / "file").write_text("two")

    assert shown(play=play)["files"] != before
