"""What a task would do, by Ansible's own loader: filled in, with all that is around it."""

from __future__ import annotations

import re

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


def test_everything_is_filled_in_and_a_vaulted_value_is_a_reference_to_its_ciphertext(shown):
    told = shown(play=PLAY, word="a b", root="/srv", who="app", ansible_host="10.0.0.1", ansible_password="pw")

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


def test_what_the_inventory_says_of_another_user_counts_before_the_task(shown):
    told = shown(play=PLAY, word="a", root="/srv", who="app", ansible_become_user="root", ansible_become_method="doas")

    assert told["become"] == {"user": "root", "method": "doas"}
    assert "become" not in shown(play=PLAY, word="a", root="/srv", who="app", ansible_become=False)


def test_what_is_not_known_stays_as_it_is_written_and_is_told(shown):
    told = shown(play=PLAY, word="a", who="app")

    assert told["args"]["chdir"] == "{{ root }}"
    assert told["missing"] == ["'root' is undefined"]


OMITTING = """
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - name: RUN-001/act/action | Act
          ansible.builtin.command:
            argv: [echo, "{{ word }}", "{{ other | default(omit) }}"]
            chdir: "{{ root | default(omit) }}"
          environment: {ROOT: "{{ root | default(omit) }}", WORD: "{{ word }}"}
          become: true
          become_user: "{{ who | default(omit) }}"
          when: other is defined
"""


def test_what_is_omitted_is_left_out_as_ansible_leaves_it_out(shown):
    told = shown(play=OMITTING, word="a", other="{{ omit }}")

    assert told == {
        "module": "ansible.builtin.command",
        "args": {"argv": ["echo", "a"]},
        "environment": {"WORD": "a"},
        "become": {"user": "root", "method": "sudo"},
        "uses": {"other": "(omitted)"},
    }


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
