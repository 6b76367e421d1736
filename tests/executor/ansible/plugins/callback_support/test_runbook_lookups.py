"""What a template looks up is found by how it is written, wherever that stands; what is there is left out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import runbook_lookups


@pytest.fixture
def told(tmp_path, monkeypatch):
    """What is looked up in variables of a host and in the text of a playbook, where HOME alone is there."""
    monkeypatch.setattr(runbook_lookups.os, "environ", {"HOME": "/root"})

    def told(variables, text=""):
        path = tmp_path / "RUN-001.yml"
        path.write_text(text, encoding="utf-8")
        found = runbook_lookups.looked_up(SimpleNamespace(_file_name=str(path)), {"db1": variables})
        return found["environment"], found["beside"]

    return told


@pytest.mark.parametrize(
    ("text", "environment", "beside"),
    [
        ("{{ lookup('env', 'DB_HOST') }}", ["DB_HOST"], []),
        ('{{ lookup("ansible.builtin.env", "DB_HOST", default="none") }}', ["DB_HOST"], []),
        ("{{ query('env', 'HOME', 'DB_PORT') | first }}", ["DB_PORT"], []),
        ("{{ lookup('env', 'DB_' ~ name) }}", [], []),
        ("{{ query('fileglob', here ~ 'files/*') }}", [], []),
        ("{{ q('fileglob', 'conf/*.conf') }}", [], ["conf/*.conf"]),
        ("{{ lookup('first_found', 'one.conf', skip=true) }}", [], ["one.conf"]),
        ("{{ query('fileglob', '/etc/shop/*', inventory_dir ~ '/files/*') }}", [], []),
        ("{{ lookup('file', 'one.conf') }}", [], []),
        ("the environment of DB_HOST", [], []),
    ],
)
def test_what_is_looked_up(told, text, environment, beside):
    assert told({"db": {"hosts": [text]}}) == (environment, beside)
    assert told({}, f"- hosts: all\n  vars: {{a: {text}}}\n") == (environment, beside)
