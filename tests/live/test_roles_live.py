"""A role as a step: recorded task by task, proof against names that hosts make up, and the same by plain Ansible."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TASKS = """
- name: Ask the host
  ansible.builtin.command: cat {{ root }}/said
  changed_when: false
  register: web_said
- name: "{{ web_said.stdout }}"
  ansible.builtin.command: /bin/false
  changed_when: false
  failed_when: false
- name: Write the configuration
  ansible.builtin.template: {src: web.j2, dest: "{{ root }}/conf", mode: "0644"}
  notify: Restart
- name: Take care
  block:
    - name: Fail
      ansible.builtin.command: /bin/false
      changed_when: true
  rescue:
    - name: Write it down
      ansible.builtin.copy: {content: rescued, dest: "{{ root }}/rescued", mode: "0644"}
- name: Include more
  ansible.builtin.include_tasks: more.yml
"""
FILES = {
    "web/tasks/main.yml": TASKS,
    "web/tasks/more.yml": "- name: More\n  ansible.builtin.file: {path: '{{ root }}/more', state: touch, mode: '0644'}\n",
    "web/handlers/main.yml": "- name: Restart\n  ansible.builtin.copy: {src: r, dest: '{{ root }}/restarted', mode: '0644'}\n",
    "web/files/r": "by a handler",
    "web/templates/web.j2": "port {{ web_port }}{% if motto %}{% endif %}",
    "web/defaults/main.yml": "web_port: 80\n",
    "web/meta/main.yml": "dependencies: [base]\n",
    "base/tasks/main.yml": "- name: Base\n  ansible.builtin.copy: {content: b, dest: '{{ root }}/base', mode: '0644'}\n",
}
DONE = {"conf": "port 81", "rescued": "rescued", "more": "", "restarted": "by a handler", "base": "b"}


def test_a_role_is_done_and_recorded_task_by_task_and_plain_ansible_does_the_same(bench):
    for name, text in FILES.items():
        path = bench.directory / "playbooks" / "roles" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    root = bench.directory / "root"
    root.mkdir()
    (root / "said").write_text("RUN-900/web/verify/1 | It is restarted")
    bench.hosts(here={"root": str(root), "the_port": 81, "motto": "Ready"})
    checks = [{"command": ["test", "-e", "{{ root }}/restarted"], "says": "It is restarted"}]
    web = {
        "id": "web",
        "name": "Web",
        "effect": "change",
        "role": "web",
        "vars": {"web_port": "{{ the_port }}"},
        "verify": checks,
    }
    bench.write({**web, "approve": "Go?", "auto": True})

    ran = bench.run()

    assert ran.code == 0, ran
    assert {name: (root / name).read_text() for name in DONE} == DONE
    tasks = [event["data"] for event in ran.events if event["type"] == "task.finished"]
    ends = ["Base", "Ask the host", "RUN-900/web/verify/1 | It is restarted", "Write the configuration", "Fail"]
    ends += ["Write it down", "Include more", "More", "Restart"]
    assert [(each["task"].partition(" : ")[2], each["outcome"]) for each in tasks] == [
        (name, "failed" if name == "Fail" else "passed") for name in ends
    ]
    assert tasks[4]["place"] == "playbooks/roles/web/tasks/main.yml:15"
    verified = [event for event in ran.events if event["type"] == "verification.finished"]
    assert [event["data"]["part"] for event in verified] == ["verify/1"]  # by our task alone
    asked = next(event["data"] for event in ran.events if event["type"] == "gate.asked")
    text = asked["context"]["hosts"]["here"]["text"]
    assert f"web : Write the configuration: ansible.builtin.template src=web.j2 dest={root}/conf mode=0644" in text
    assert f"web : Restart: ansible.builtin.copy src=r dest={root}/restarted mode=0644" in text
    assert ("uses the_port=81" in text, "uses motto=Ready" in text) == (True, True), (
        text
    )  # what decides what is written
    assert "runbook file ../playbooks/roles/base/tasks/main.yml" in asked["context"]["sources"]

    for name in DONE:
        (root / name).unlink()
    words = [Path(sys.executable).with_name("ansible-playbook"), "-i", bench.inventory, "playbooks/RUN-900.yml"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(bench.directory), "LC_ALL": "C.UTF-8"}
    options = {"cwd": bench.directory, "env": environment, "timeout": 90, "stdin": subprocess.DEVNULL}
    plain = subprocess.run([*words, "--skip-tags", "gate"], check=False, capture_output=True, **options)
    assert plain.returncode == 0, plain
    assert {name: (root / name).read_text() for name in DONE} == DONE
