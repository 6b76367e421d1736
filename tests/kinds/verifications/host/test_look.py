"""A look is the text of a small program, which gets its values by the environment, on the host or on another machine."""

from __future__ import annotations

import ast
from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from runner.kinds.verifications.host import programs
from runner.kinds.verifications.host.look import AbsolutePath, limit, look

SECOND = timedelta(seconds=1)


def test_values_are_in_the_environment_and_never_arguments():
    call = look("look_at_file", {"path": "-rf {{ x }}", "contains": None}, timeout=SECOND, machine="app")

    assert (call.environment, call.machine) == ({"LOOK_PATH": "-rf {{ x }}"}, "app")
    *words, text = call.args["argv"]
    assert words == ["timeout", "--kill-after=5s", "1s", "{{ runbook_python | default('python3') }}", "-I", "-c"]
    assert "{{" not in text
    assert call.names == {"facts": "REGISTER.stdout | from_json"}


def test_two_attempts_fit_into_the_time_that_there_is():
    assert (limit(timedelta(seconds=10)), limit(SECOND)) == ("4", "0.4")


@pytest.mark.parametrize("name", ["port", "file", "processes", "certificate"])
def test_a_program_is_one_of_the_oldest_python_that_ansible_works_with(pytestconfig, name):
    # https://docs.ansible.com/ansible/latest/reference_appendices/release_and_maintenance.html: core 2.19 takes 3.8
    text = (pytestconfig.rootpath / programs.__path__[0] / f"look_at_{name}.py").read_text()

    assert ast.parse(text, feature_version=(3, 8))


@pytest.mark.parametrize("path", ["etc/motd", "", "-rf", "~/x"])
def test_a_path_is_absolute(path):
    with pytest.raises(ValidationError):
        TypeAdapter(AbsolutePath).validate_python(path)
