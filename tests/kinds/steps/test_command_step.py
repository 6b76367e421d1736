"""`command`: a program with arguments."""

from __future__ import annotations

import pytest

from runner.kinds.invocation import bounded
from runner.kinds.steps.command_step import CommandStep


@pytest.mark.parametrize("command", ["df -h '{{ place }}'", ["df", "-h", "{{ place }}"]])
def test_a_command_runs_without_a_shell(command, minute, no_file):
    step = CommandStep.model_validate({"command": command})
    assert step.invocation(minute, no_file) == bounded(["df", "-h", "{{ place }}"], timeout=minute)
    assert step.describe() == "df -h {{ place }}"


def test_its_surroundings_are_given_beside_it(minute, no_file):
    step = CommandStep.model_validate({"command": "cat", "env": {"A": "{{ a }}"}, "chdir": "/tmp", "stdin": "x\n"})
    assert step.invocation(minute, no_file) == bounded(
        ["cat"], timeout=minute, environment={"A": "{{ a }}"}, chdir="/tmp", stdin="x\n", stdin_add_newline=False
    )


@pytest.mark.parametrize(
    ("written", "sentences"),
    [
        ({"command": ""}, ["names no program"]),
        ({"command": []}, ["names no program"]),
        ({"command": ["", "a"]}, ["names no program"]),
        ({"command": "echo 'a"}, ["a quotation is not closed"]),
        ({"command": ["sleep", 5]}, ["Input should be a valid string"]),
        ({"command": "ls", "env": {"A": 5}}, ["Input should be a valid string"]),
        ({"command": "ls", "env": {"A-B": "x"}}, ["must be letters, digits and _, not 'A-B'"]),
        ({"command": "ls", "cwd": "/"}, ["Extra inputs are not permitted"]),
    ],
)
def test_what_it_refuses(written, sentences, refusals):
    assert refusals(CommandStep, **written) == sentences


def test_a_template_must_be_one(refusals):
    (sentence,) = refusals(CommandStep, command=["echo", "{{ a"])
    assert sentence.startswith("is not a template: ")
