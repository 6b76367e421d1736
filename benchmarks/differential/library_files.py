"""The files of a library that a runbook made at random may use: a role, tasks, a script, another runbook, contacts."""

from __future__ import annotations

CONTACTS = """\
on-call: {name: On-call engineer, channels: [{webhook: {url: 'http://127.0.0.1:9/'}}]}
told: {name: Who is told, channels: [{command: {argv: [/bin/true]}}]}
owners: {name: Owners}
"""
SCRIPT = '#!/bin/sh\nprintf \'[%s]\' "$@"; echo; test "$1" != plain\n'
HEAD = """\
category: maintenance
severity: P3
owner: owners
trigger: {event: a comparison}
scope: {handles: [Comparisons]}
escalation: {when: [{declared: Too much}], contacts: [on-call], provide: [timeline]}
"""
INNER = f"""\
id: RUN-901
title: What another runbook does
hosts: all
{HEAD}inputs:
  word: {{type: string, default: nothing, help: A word}}
steps:
  - id: tell
    name: Tell it
    effect: read
    command: [printf, "<%s>", "{{{{ word }}}}"]
    capture: {{told: stdout}}
    verify: [{{exit: 0}}]
  - id: mark
    name: Mark it
    shell: touch inner-mark
    chdir: "{{{{ here }}}}"
    verify:
      - {{says: It is there, command: 'test -e "{{{{ here }}}}/inner-mark"', exit: 0}}
      - {{says: It is no other host, that: inventory_hostname != 'c'}}
    undo: {{shell: rm inner-mark, chdir: "{{{{ here }}}}", verify: [{{exit: 0}}]}}
    on_failure: stop
"""
TAKES_OVER = f"""\
id: RUN-902
title: What takes over
hosts: all
{HEAD}steps:
  - {{id: look, name: Look, effect: read, command: echo taken over, verify: [{{exit: 0}}]}}
"""
SHARED = """\
title: What several runbooks look at
inputs:
  most: {type: int, default: 5, help: The most there may be}
steps:
  - id: count
    name: Count them
    effect: read
    command: echo 3
    capture: {count: stdout}
    verify:
      - {says: There are few, that: stdout | int <= most}
      - {says: One is there, command: echo 1, that: stdout == '1'}
"""
TASKS = """\
- name: Ask
  ansible.builtin.command: printf {{ item }}
  loop: [one, two]
  changed_when: false
  register: several_asked
- name: Keep it
  ansible.builtin.set_fact:
    several_kept: "{{ several_asked.results | map(attribute='stdout') | list }}"
- name: Say it
  ansible.builtin.debug:
    var: several_kept
- name: Go on where it fails
  block:
    - name: Fail on a host
      ansible.builtin.shell: test {{ inventory_hostname }} != b || exit 9
      changed_when: true
    - name: Not needed
      ansible.builtin.command: /bin/false
      when: inventory_hostname != 'a' and inventory_hostname != 'b' and inventory_hostname != 'c'
      changed_when: true
  rescue:
    - name: Take note
      ansible.builtin.assert: {that: "several_kept | length == 2"}
  always:
    - name: In any case
      ansible.builtin.command: echo {{ motto | default('no motto') }}
      changed_when: false
- name: Until it is well
  ansible.builtin.shell: echo x >> tries; test $(wc -l < tries) -ge 3
  args: {chdir: "{{ here }}"}
  changed_when: true
  register: several_tried
  until: several_tried.rc == 0
  retries: 4
  delay: 0
- name: With a time limit of Ansible's
  ansible.builtin.command: echo in time
  timeout: 20
  changed_when: false
"""
ROLE = {
    "tasks/main.yml": """\
- name: Ask the host
  ansible.builtin.command: echo forged
  changed_when: false
  register: web_said
- name: "{{ web_said.stdout }}"
  ansible.builtin.command: /bin/false
  changed_when: false
  failed_when: false
- name: Write the configuration
  ansible.builtin.template: {src: web.j2, dest: "{{ here }}/conf", mode: "0644"}
  notify: Restart
- name: Include more
  ansible.builtin.include_tasks: more.yml
""",
    "tasks/more.yml": "- name: More\n  ansible.builtin.command: echo {{ web_port }}\n  changed_when: false\n",
    "handlers/main.yml": "- name: Restart\n  ansible.builtin.shell: echo restarted\n  changed_when: true\n",
    "templates/web.j2": "port {{ web_port }} of {{ inventory_hostname }}\n",
    "defaults/main.yml": "web_port: 80\n",
}
FILES = {
    "runbooks/contacts.yml": CONTACTS,
    "runbooks/scripts/tell.sh": SCRIPT,
    "runbooks/RUN-901.yml": INNER,
    "runbooks/RUN-902.yml": TAKES_OVER,
    "runbooks/shared/looks.yml": SHARED,
    "runbooks/tasks/several.yml": TASKS,
    "runbooks/files/motd": "Authorised use only\n",
    "runbooks/values/own.yml": "own_value: 1.10\nown_list: [a, b]\n",
    **{f"playbooks/roles/web/{name}": text for name, text in ROLE.items()},
}
