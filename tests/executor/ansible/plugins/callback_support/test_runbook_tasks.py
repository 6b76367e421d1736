"""Which step a task belongs to, by Ansible's own loader: a marker above it counts, and its own name never does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook import Playbook
from ansible.vars.manager import VariableManager
from harness.ansible_loader import plugin_loader

import runner

sys.path.append(str(Path(runner.__file__).parent / "executor" / "ansible" / "plugins" / "callback_support"))

from runbook_tasks import all_tasks, beside, import_in_words, imported, imported_into, importing, step_of, whence

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: RUN-001/web | Web
      block:
        - name: RUN-001/web/tasks | Web
          block:
            - name: RUN-001/web/tasks | Web
              ansible.builtin.import_role: {name: web}
              vars: {web_port: 81}
            - name: RUN-001/web/action | Web
              ansible.builtin.assert: {that: [ansible_play_hosts is defined]}
          rescue:
            - name: RUN-001/web/action | Web
              ansible.builtin.fail: {msg: failed}
        - name: RUN-001/web/verify/1 | It answers
          ansible.builtin.command: ls
"""
TASKS = """
- name: RUN-001/other/action | A name that a host may make up
  ansible.builtin.command: ls
- block:
    - name: Within
      ansible.builtin.command: ls
  always:
    - name: At last
      ansible.builtin.command: ls
"""


@pytest.fixture
def play(tmp_path):
    role = tmp_path / "roles" / "web"
    for name, text in {"tasks": TASKS, "handlers": "- {name: Restart, ansible.builtin.command: ls}\n"}.items():
        (role / name).mkdir(parents=True)
        (role / name / "main.yml").write_text(text)
    (tmp_path / "play.yml").write_text(PLAY)
    plugin_loader()
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    inventory = InventoryManager(loader, sources=["db1,"])
    manager = VariableManager(loader, inventory)
    return Playbook.load(str(tmp_path / "play.yml"), variable_manager=manager, loader=loader).get_plays()[0]


FORGED = "RUN-001/other/action | A name that a host may make up"


def test_a_task_of_a_role_belongs_to_what_imports_it_whatever_it_is_called(play, tmp_path):
    found = [(task.name, step_of(task), step_of(task, attempts=True)) for task in all_tasks(play.tasks) if task.name]
    assert found == [
        *((name, None, "web") for name in (FORGED, "Within", "At last")),
        *(("RUN-001/web/action | Web", "web", "web") for _ in range(2)),
        ("RUN-001/web/verify/1 | It answers", None, None),
    ]
    first, *_ = all_tasks(play.tasks)
    assert whence(first, str(tmp_path)) == {"within": "RUN-001/web/tasks", "place": "roles/web/tasks/main.yml:2"}


def test_what_a_step_imports_is_told_with_its_handlers(play):
    assert [task.name for task in imported(play)["web"]] == [FORGED, "Within", "At last", "Restart"]


def test_what_imports_a_task_is_told_by_the_name_of_the_role_and_its_variables(play):
    *_, restart = imported(play)["web"]
    for task in (next(all_tasks(play.tasks)), restart):
        assert (import_in_words(importing(task)), importing(task).vars) == ("role web", {"web_port": 81})


def test_what_stands_in_the_playbook_belongs_to_nothing_above_it(play):
    *_, check = all_tasks(play.tasks)
    assert (imported_into(check), whence(check, "/")) == ("", {})
    assert [task.name for task in beside(all_tasks(play.tasks), "web")] == ["RUN-001/web/verify/1 | It answers"]
    assert beside(all_tasks(play.tasks), "other") == []
