"""docs/kinds.md is what the kinds say of themselves, and the example of each of them loads, is good, and compiles."""

from __future__ import annotations

import importlib.util
import shutil
from datetime import date

import pytest
import yaml
from harness import ROOT
from harness.fakes import CONTACTS, RUNBOOK

from runner.compiler.committed_playbook import compiled
from runner.kinds import plugins
from runner.library.library import Library
from runner.lint.engine import lint
from runner.model.yaml.finding import Level

KINDS = {
    (group, key): kind
    for group, table in (("step", plugins.steps()), ("verification", plugins.verifications()))
    for key, kind in table.items()
}
INPUTS = {name: {"type": "secret", "default": "env:TOKEN", "help": "A token"} for name in ("token", "pagerduty_token")}
FIND = {
    "id": "find",
    "name": "Find the sessions",
    "effect": "read",
    "sql": "SELECT 1 AS pid",
    "capture": {"stuck_pids": "rows | map(attribute='pid') | list"},
    "verify": [{"that": "rows | length > 0"}],
}
BESIDE = {
    "runbooks/contacts.yml": CONTACTS,
    "runbooks/scripts/smoke-test.sh": '#!/bin/bash\ncurl --fail "$1/health"\n',
    "runbooks/tasks/deploy.yml": "- {name: Deploy, ansible.builtin.package: {name: shop, state: present}}\n",
    "playbooks/roles/web_server/tasks/main.yml": "- {name: Install, ansible.builtin.package: {name: nginx}}\n",
    "runbooks/RUN-032.yml": RUNBOOK.replace("RUN-001", "RUN-032") + "inputs: {primary: {help: The primary database}}\n",
}
"""What the examples need beside the runbook in which they stand."""


def test_the_page_is_what_the_kinds_say_of_themselves():
    specification = importlib.util.spec_from_file_location("make_kinds", ROOT / "docs" / "make_kinds.py")
    make_kinds = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make_kinds)

    assert (ROOT / "docs" / "kinds.md").read_text(encoding="utf-8") == make_kinds.page(), "run docs/make_kinds.py"


@pytest.fixture
def library(tmp_path):
    """A library that has what the examples name, and the registry of this repository."""
    for name, text in BESIDE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copytree(ROOT / "runbooks" / "registry", tmp_path / "runbooks" / "registry")
    return tmp_path


@pytest.mark.parametrize(("group", "key"), KINDS)
def test_the_example_of_a_kind_loads_is_good_and_compiles(library, group, key):
    # Given a runbook with the example alone, for a verification behind a command
    (example,) = yaml.safe_load(KINDS[group, key].example)
    step = example if group == "step" else {"id": "look", "name": "Look", "command": "wc -l /tmp", "verify": [example]}
    runbook = {**yaml.safe_load(RUNBOOK), "inputs": INPUTS, "steps": [FIND, step]}
    (library / "runbooks" / "RUN-001.yml").write_text(yaml.safe_dump(runbook, sort_keys=False))
    # When it is read
    read = Library(library)
    source = read.source("RUN-001")
    # Then it uses the kind, has no error, and is a playbook
    last = source.runbook.steps[-1]
    assert key in {each.key for each in ([last.action] if group == "step" else last.verify[0].kinds)}
    findings = lint(source, read.contacts(source), today=date(2026, 1, 1), variables=("prometheus_url",))
    assert [str(finding) for finding in findings if finding.level is Level.ERROR] == []
    assert yaml.safe_load(compiled(source))
