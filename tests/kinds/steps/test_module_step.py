"""`module`: any Ansible module."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import Invocation
from runner.kinds.steps.module_step import ModuleStep

NAME = "must be a module's full name, like ansible.builtin.service, not "


def test_a_module_is_called_by_its_full_name_with_its_arguments(minute, no_file):
    step = ModuleStep.model_validate({"module": {"ansible.builtin.service": {"name": "nginx", "state": "{{ state }}"}}})
    assert step.invocation(minute, no_file) == Invocation(
        "ansible.builtin.service", {"name": "nginx", "state": "{{ state }}"}, task_timeout=minute, may_skip=True
    )
    assert step.describe() == "ansible.builtin.service name=nginx state={{ state }}"


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ({}, "needs exactly one module, not 0"),
        ({"a.b.c": {}, "a.b.d": {}}, "needs exactly one module, not 2"),
        ({"service": {}}, f"{NAME}'service'"),
        ({"ansible.builtin.Service": {}}, f"{NAME}'ansible.builtin.Service'"),
        ({"ansible.builtin.setup": None}, "Input should be a valid dictionary"),
        (
            {"ansible.builtin.shell": {"cmd": "ls"}},
            "ansible.builtin.shell is not for a step; write a command, script or shell step, which has an end",
        ),
        ({"ansible.builtin.pause": {}}, "ansible.builtin.pause is not for a step; write a wait or a manual step"),
        (
            {"ansible.legacy.include_tasks": {}},
            "ansible.legacy.include_tasks is not for a step; a runbook is one file, reviewed as a whole",
        ),
        (
            {"ansible.builtin.set_fact": {"a": 1}},
            "ansible.builtin.set_fact is not for a step; a step acts on its hosts and not on the play",
        ),
        (
            {"ansible.builtin.copy": {"src": "../app.conf", "dest": "/etc/app.conf"}},
            "ansible.builtin.copy would not find src: ../app.conf; name a file beside the runbook, like files/motd, "
            "an absolute path, or `content`",
        ),
        (
            {"ansible.builtin.template": {"src": "files/{{ env }}.j2", "dest": "/etc/app.conf"}},
            "ansible.builtin.template would not find src: files/{{ env }}.j2; name a file beside the runbook, like "
            "files/motd, an absolute path, or `content`",
        ),
    ],
)
def test_what_it_refuses(module, sentence, refusals):
    assert refusals(ModuleStep, module=module) == [sentence]


@pytest.mark.parametrize(
    "args",
    [
        {"src": "/srv/app.conf"},
        {"src": "~/app.conf"},
        {"src": "{{ root }}/app.conf"},
        {"src": "app.conf", "remote_src": True},
        {"content": "a = 1"},
    ],
)
def test_files_that_are_found_wherever_the_playbook_runs(args, minute, no_file):
    step = ModuleStep.model_validate({"module": {"ansible.builtin.copy": {**args, "dest": "/etc/app.conf"}}})
    assert step.invocation(minute, no_file).args == {**args, "dest": "/etc/app.conf"}


def test_its_arguments_are_templates(refusals):
    (sentence,) = refusals(ModuleStep, module={"ansible.builtin.file": {"path": ["{{ a"]}})
    assert sentence.startswith("is not a template: ")
