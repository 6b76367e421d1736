"""What a template would start on the machine where Ansible runs is found, however it is written."""

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from harness.fakes import runbook_file

from runner.library.library import Library
from runner.model.checks.controller_lookups import fault, fault_of_template, faults
from runner.model.yaml.finding import InvalidFileError

PIPE = "touch started; echo done"
STARTS = [
    "{{ lookup('pipe', 'COMMAND') }}",
    "{{ query('lines', 'COMMAND') }}",
    "{{ q('pi' ~ 'pe', 'COMMAND') }}",
    "{% set f = lookup %}{{ f('pipe', 'COMMAND') }}",
    "{{ [lookup][0]('pipe', 'COMMAND') }}",
    "{{ {'a': query}.a('pipe', 'COMMAND') }}",
    "{% if lookup('pipe', 'COMMAND') %}a{% endif %}",
    "{{ 'x' if lookup('lines', 'COMMAND') else 'y' }}",
]


@pytest.fixture
def starts(tmp_path, monkeypatch):
    """Whether Ansible's own templating starts the command of a template."""
    monkeypatch.chdir(tmp_path)

    def starts(template):
        Templar(loader=DataLoader(), variables={}).template(trust_as_template(template.replace("COMMAND", PIPE)))
        return (tmp_path / "started").exists()

    return starts


@pytest.mark.parametrize("template", STARTS)
def test_what_ansible_would_start_is_found(template, starts):
    assert fault(template)
    assert fault_of_template(template)
    assert starts(template)


@pytest.mark.parametrize(
    "text",
    [
        "lookup('pipe', 'id') == 'x'",
        "{{ lookup('community.general.passwordstore', 'x') }}",
        "{{ lookup('ansible.builtin.pipe', 'id') }}",
        "{{ lookup('url', 'http://shop') }}",
        "{{ lookup('password', '/tmp/new') }}",
        "{{ lookup('template', '/tmp/x.j2') }}",
        "{{ lookup('unvault', 'secrets.yml') }}",
        "{% include '/tmp/x.j2' %}",
        "{% import 'x.j2' as x %}",
        "{% break %}{{ lookup('pipe', 'id') }}",
    ],
)
def test_what_else_is_found(text):
    assert fault(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ lookup('env', 'HOME') }}",
        "{{ lookup('ansible.builtin.file', '/proc/uptime', errors='ignore') }}",
        "{{ query('ansible.builtin.sequence', 'start=1 end=3') }}",
        "{{ hostvars[step_host].query }} {{ q }}",
        "psql -c 'SELECT q(1)'; query (x); lookup('pipe')",
        "look up the query (in the log)",
        "query",
    ],
)
def test_what_only_reads_or_is_another_word_is_left_alone(text):
    assert fault(text) == ""
    assert fault_of_template(text) == ""


def test_a_file_may_bring_in_its_neighbours_and_have_other_marks():
    assert fault_of_template("{% include 'part.j2' %}") == ""
    assert "lies elsewhere" in fault_of_template("{% include '../../x.j2' %}")
    assert "lies elsewhere" in fault_of_template("{% include name %}")
    assert fault_of_template("#jinja2: variable_start_string: '[%'\n[% lookup('pipe', 'id') %]") == (
        "lookup('pipe') may start a program on this machine, of which no record tells"
    )
    assert fault_of_template("#jinja2: variable_start_string: '[%'\n[% lookup('env', 'HOME') %]") == ""


def test_every_text_is_looked_at_and_told_with_its_place():
    step = {"command": ["echo", "{{ q('pipe', 'id') }}"], "verify": [{"that": "lookup('lines', 'id')"}]}
    found = list(faults({"steps": [step, {"env": {"A": "{{ lookup('env', 'A') }}"}}]}))
    why = "may start a program on this machine, of which no record tells"
    assert found == [
        (("steps", 0, "command", 1), f"lookup('pipe') {why}"),
        (("steps", 0, "verify", 0, "that"), f"lookup('lines') {why}"),
    ]


def test_a_runbook_with_one_does_not_load(tmp_path):
    step = {"id": "look", "name": "Look", "effect": "read", "command": "echo {{ lookup('pipe', 'id') }}"}
    runbook_file(tmp_path, steps=[{**step, "verify": [{"exit": 0}]}])
    with pytest.raises(InvalidFileError) as caught:
        Library(tmp_path).source("RUN-001")
    assert [(found.rule, found.hint) for found in caught.value.findings] == [
        ("controller-lookup", "write a step with `on: localhost`, and capture what its command says")
    ]
