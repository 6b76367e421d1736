"""What a step leaves in Ansible is no value of the runbook: a run that stops for a person has it no more."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file

from runner.library.content_tasks import lost_values
from runner.library.library import Library

TASKS = """\
- name: Ask
  ansible.builtin.command: release --print
  register: asked
- name: Keep it
  block: [{ansible.builtin.set_fact: {release: "{{ asked.stdout }}"}}]
"""
VERIFY = {"verify": [{"command": "test -e /srv/shop"}]}
DEPLOY = {"id": "deploy", "name": "Deploy", "effect": "change", "tasks": "tasks/deploy.yml", **VERIFY}


@pytest.fixture
def found(tmp_path):
    """What is found in a runbook that deploys so, and goes on with these steps."""

    def found(*steps, more=TASKS, **changes):
        directory = tmp_path / "runbooks" / "tasks"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "deploy.yml").write_text(TASKS)
        (directory / "more.yml").write_text(more)
        runbook_file(tmp_path, steps=[{**DEPLOY, **changes}, *steps])
        source = Library(tmp_path).source("RUN-001")
        texts = source.side_files.contents
        return [
            f"{each.file}:{each.line} {each.message}"
            for each in lost_values(source.runbook.procedure, texts, file="RUN")
        ]

    return found


def then(**keys):
    return {"id": "keep", "name": "Keep release and asked", "why": "The release", "command": "true", **VERIFY, **keys}


@pytest.mark.parametrize(
    "keys",
    [
        {"only_if": "release is defined"},
        {"command": "keep {{ release | default('none') }}"},
        {"env": {"RELEASE": "{{ release | default('none') }}"}},
        {"verify": [{"that": "release == '7'"}]},
        {"undo": {"command": "keep {{ release }}", **VERIFY}},
        {"command": None, "tasks": "tasks/more.yml", "effect": "change"},
    ],
)
def test_a_later_step_does_not_use_what_tasks_have_set(found, keys):
    step = {key: value for key, value in then(**keys).items() if value}

    told = found(step, more="- ansible.builtin.command: keep {{ release | default('none') }}\n")

    assert told == [
        "runbooks/tasks/deploy.yml:5 release is used by the step keep as well, and is gone where a run stops between them"
    ]


def test_nor_does_an_undo(found):
    told = found(undo={"command": "remove {{ asked.stdout }}", **VERIFY})

    assert told == [
        "runbooks/tasks/deploy.yml:3 asked is used by its undo as well, and is gone where a run stops between them"
    ]


def test_a_step_directly_after_it_captures_it_for_those_that_follow(found):
    captures = {
        "id": "captures",
        "name": "Capture it",
        "capture": {"kept": "release"},
        "verify": [{"that": "kept != ''"}],
    }
    uses = then(command="keep {{ kept }}")

    assert found(captures, uses) == []
    assert len(found(then(id="between"), captures, uses)) == 1


@pytest.mark.parametrize("step", [then(), {**DEPLOY, "id": "again"}])
def test_what_is_set_again_or_only_said_is_well(found, step):
    assert found(step) == []


@pytest.mark.parametrize(
    "gathers",
    [
        {**DEPLOY, "id": "first", "facts": True},
        {**then(), "id": "first", "command": None, "module": {"ansible.builtin.setup": {}}},
    ],
)
def test_facts_of_the_host_are_gone_as_well(found, gathers):
    uses = then(only_if="ansible_facts.os_family | default('') == 'Debian'")
    step = {key: value for key, value in gathers.items() if value}

    told = found(step, uses)

    assert told == ["RUN:1 ansible_facts of the step first are gone where a run stops before keep uses them"]
