"""A library around one runbook: contacts, a script and an inventory, as the rules of lint meet them."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType

import pytest

from runner.library.inventory import variables, vaulted
from runner.library.library import Library
from runner.lint.engine import lint
from runner.model.yaml.finding import InvalidFileError

TODAY = date(2026, 1, 1)
CONTACTS = """\
backend-team: {name: Backend team}
dba:
  name: Database administrators
  members: [alice, bob]
on-call:
  name: On-call engineer
  channels: [{webhook: {url: "http://127.0.0.1:9/"}}]
night-shift:
  name: Whoever watches at night
  channels: [{webhook: {url: "http://127.0.0.1:9/"}}]
"""
INVENTORY = """\
all:
  vars:
    app_url: http://127.0.0.1
    root: /srv
    shop_password: "{{ vault_shop_password }}"
    vault_shop_password: !vault |
      $ANSIBLE_VAULT;1.1;AES256
      6162636465
"""
SUCCESSOR = """\
id: RUN-010
title: Take over
category: incident
severity: P2
owner: backend-team
trigger: {alert: MON-001}
scope: {handles: [What others could not mend]}
hosts: all
inputs: {mount: {help: The mount point}}
steps: [{id: look, name: Look, effect: read, command: "df {{ mount }}", verify: [{exit: 0}]}]
escalation: {when: [step_failed], contacts: [on-call], provide: [timeline]}
"""
"""The runbook that takes over in some of them: it needs an input."""
SCRIPTS = {
    "smoke.sh": "#!/bin/bash\ncurl --fail http://127.0.0.1:8000/health\n",
    "nobody.sh": "curl http://x\n",
    "restart.yml": "- name: Restart\n  ansible.builtin.service: {name: nginx, state: restarted}\n",
    "ignored.yml": "- name: Restart\n  ansible.builtin.service: {name: nginx, state: restarted}\n  ignore_errors: true\n",
}


@pytest.fixture
def linted(tmp_path):
    """The findings of a text that stands in a library as RUN-001.yml, with the files `beside` it."""

    def look(text, beside=MappingProxyType({})):
        runbooks = tmp_path / "runbooks"
        (runbooks / "scripts").mkdir(parents=True, exist_ok=True)
        (tmp_path / "inventories").mkdir(exist_ok=True)
        (tmp_path / "inventories" / "hosts.yml").write_text(INVENTORY)
        role = tmp_path / "playbooks" / "roles" / "web_server" / "tasks"
        role.mkdir(parents=True, exist_ok=True)
        (role / "main.yml").write_text(SCRIPTS["restart.yml"])
        for name, script in SCRIPTS.items():
            (runbooks / "scripts" / name).write_text(script)
        (runbooks / "contacts.yml").write_text(CONTACTS)
        (runbooks / "RUN-001.yml").write_text(text)
        for name, other in {"RUN-010.yml": SUCCESSOR, **beside}.items():
            (runbooks / name).parent.mkdir(exist_ok=True)
            (runbooks / name).write_text(other)
        library = Library(tmp_path)
        try:
            source = library.source("RUN-001")
        except InvalidFileError as error:  # the reader keeps some rules itself
            return list(error.findings)
        known, secret = variables(tmp_path / "inventories"), vaulted(tmp_path / "inventories")
        people = library.contacts(source)
        return lint(source, people, today=TODAY, variables=known, vaulted=secret, reached={"on-call"})

    return look
