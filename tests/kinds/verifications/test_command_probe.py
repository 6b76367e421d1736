"""`command`: a verification looks at what a program says."""

from __future__ import annotations

from runner.kinds.invocation import bounded
from runner.kinds.verifications.command_probe import CommandProbe


def test_a_command_that_only_looks(short):
    kind = CommandProbe.model_validate({"command": "systemctl is-active '{{ unit }}'"})
    assert kind.probe(short) == bounded(["systemctl", "is-active", "{{ unit }}"], timeout=short)
    assert (kind.default_conditions(), kind.conditions("stdout"), kind.text) == (("rc == 0",), (), "stdout")
    assert kind.describe() == "systemctl is-active {{ unit }} succeeds"


def test_a_command_may_be_given_variables_like_a_password(short):
    kind = CommandProbe.model_validate({"command": "psql -c ''", "env": {"PGPASSWORD": "{{ key }}"}})
    assert kind.probe(short) == bounded(["psql", "-c", ""], timeout=short, environment={"PGPASSWORD": "{{ key }}"})


def test_a_command_names_a_program(refusals):
    assert refusals(CommandProbe, command="") == ["names no program"]
