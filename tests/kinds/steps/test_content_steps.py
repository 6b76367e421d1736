"""`role` and `tasks`: what a team has already, imported as it is."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file
from harness.runbook_files import read_runbook

from runner.kinds.invocation import Invocation
from runner.kinds.steps.content_steps import RoleStep, TasksStep
from runner.model.yaml.finding import InvalidFileError

LOOKS = {"command": "systemctl is-active nginx"}
WEB = {"id": "web", "name": "Web", "effect": "change", "role": "web", "verify": [LOOKS]}


def test_a_role_is_imported_with_variables_of_its_own(minute):
    step = RoleStep.model_validate({"role": "web", "vars": {"web_port": 81}, "facts": True, "users": ["app"]})
    args = {"name": "web", "public": False, "rolespec_validate": False}
    assert step.invocation(minute, None) == Invocation(
        *("ansible.builtin.import_role", args),
        task_timeout=minute,
        imports=True,
        variables={"web_port": 81},
        facts=True,
    )
    assert (step.library_files, step.becomes) == (("playbooks/roles/web",), ("app",))
    assert [step.describe(), *step.details()] == ["playbooks/roles/web", "var web_port=81", "becomes app"]


def test_tasks_are_imported_from_beside_the_runbook(minute):
    step = TasksStep.model_validate({"tasks": "tasks/deploy.yml"})
    call = step.invocation(minute, None)
    assert (call.module, call.args) == ("ansible.builtin.import_tasks", {"file": "../runbooks/tasks/deploy.yml"})
    assert (step.library_files, step.describe()) == (("runbooks/tasks/deploy.yml",), "tasks/deploy.yml")


@pytest.mark.parametrize("name", ["../web", "acme.tools.web", "Web", "web/x", "{{ web }}"])
def test_a_role_is_called_by_the_name_of_its_directory(name, refusals):
    (found,) = refusals(RoleStep, role=name)
    assert found.startswith("must be the name of a directory in playbooks/roles, like web_server")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"effect": None}, "says nothing about its `effect`, which nobody sees from playbooks/roles/web"),
        ({"capture": {"a": "rc"}}, "captures from a result, and this step has none"),
        ({"verify": [{"exit": 0}]}, "looks at the step's result, and this step has none"),
        ({"each": "{{ names }}"}, "does not go with role: what its tasks notify would be done for one item only"),
        ({"retry": 3}, "would do all of its tasks again"),
        ({"vars": {"key": "{{ token }}"}}, "'token' is a secret, and everybody on a host can read"),
    ],
)
def test_what_does_not_go_with_it(tmp_path, changes, sentence):
    step = {key: value for key, value in {**WEB, **changes}.items() if value is not None}
    with pytest.raises(InvalidFileError) as caught:
        read_runbook(runbook_file(tmp_path, steps=[step], inputs={"token": {"type": "secret", "help": "T"}}))
    assert sentence in caught.value.message


def test_whom_its_tasks_become_is_known_of_the_step(tmp_path):
    step = {**WEB, "become": True, "users": ["postgres"]}
    (read,) = read_runbook(runbook_file(tmp_path, steps=[step])).steps
    assert read.users == {"root", "postgres"}
