"""A look is a verification as a step: its call, its code and its names are those of the verification."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from harness.fakes import runbook_file
from pydantic import ValidationError

from runner.kinds.steps.look_step import LookStep
from runner.kinds.verifications.monitoring.metric_probe import Metric
from runner.kinds.verifications.sql_probe import SqlProbe
from runner.library.library import Library
from runner.model.yaml.finding import InvalidFileError

SQL = "DELETE FROM t"
TIME = timedelta(seconds=9)


def look(**written):
    return LookStep.model_validate({"look": written})


def test_it_asks_what_the_verification_asks(no_file):
    kind, probe = look(sql=SQL), SqlProbe(sql=SQL)

    assert kind.invocation(TIME, no_file) == probe.probe(TIME)
    assert kind.result_names(no_file) == {"rows", "row"}
    assert (kind.sql_statement, kind.destroys(no_file), kind.changes(no_file)) == (SQL, "DELETE FROM", "DELETE")
    assert (kind.touches_nothing, kind.describe(), kind.details()) == (True, "sql: SQL: DELETE FROM t", [])
    assert look(command="ls /").shell_code(no_file).programs() == ["ls"]


def test_where_a_program_of_ours_asks_it_lies_beside_the_playbook_and_fails_where_nothing_is_known(no_file):
    asked = {"metric": {"from": "prometheus", "url": "http://a", "query": "up", "that": "value > 0"}}
    kind, probe = look(**asked), Metric.model_validate(asked)

    assert kind.companions == probe.companions != {}
    strict = {**probe.probe(TIME).environment, "PROBE_STRICT": "yes"}
    assert kind.invocation(TIME, no_file) == replace(probe.probe(TIME), environment=strict)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({}, "asks by 0 of the verifications; write one that looks for itself, like sql"),
        (
            {"sql": "SELECT 1", "that": "rc"},
            "asks by 2 of the verifications; write one that looks for itself, like sql",
        ),
        ({"that": "rc"}, "that looks at the result of a step; verify it instead"),
        ({"port": {"open": 1, "from": "app"}}, "port looks from another machine; verify it instead"),
        ({"disk": {"path": "/", "free": "many"}}, "disk.free: must be like 20 % or 5 GB, not 'many'"),
    ],
)
def test_what_is_no_look_is_refused(written, complaint):
    with pytest.raises(ValidationError) as caught:
        look(**written)
    assert [error["msg"] for error in caught.value.errors()] == [f"Value error, {complaint}"]


def test_a_secret_is_kept_out_of_its_arguments_and_the_environment_of_the_runbook_reaches_it(tmp_path):
    inputs = {"token": {"type": "secret", "help": "A token", "default": "env:TOKEN"}}
    step = {"id": "a", "name": "A", "look": {"command": "ls"}, "verify": [{"that": "stdout != ''"}]}
    runbook_file(tmp_path, steps=[step], env={"REGION": "north"}, inputs=inputs)
    (read,) = Library(tmp_path).source("RUN-001").runbook.steps
    assert read.action.look.env == {"REGION": "north"}

    runbook_file(tmp_path, steps=[{**step, "look": {"command": "ls {{ token }}"}}], inputs=inputs)
    with pytest.raises(InvalidFileError) as caught:
        Library(tmp_path).source("RUN-001")
    assert [(finding.path, finding.rule) for finding in caught.value.findings] == [
        ("steps[0].look.command", "secret-in-arguments")
    ]
