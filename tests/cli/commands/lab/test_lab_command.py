"""`runbook lab`: what it is asked, and what it says where it cannot."""

import os

import pytest
from click.testing import CliRunner

from runner.cli.commands.lab.lab import command
from runner.core.errors import InvalidInputError


def test_a_host_that_no_lab_has_is_a_usage_error_that_names_those_it_has():
    result = CliRunner().invoke(command, ["power-off", "db9"])

    assert result.exit_code == 2
    assert "'db9' is not one of 'db1', 'db2', 'edge', 'app1', 'app2'" in result.output


@pytest.mark.parametrize("words", [["down"], ["shell", "db1"], ["power-on", "db1"], ["snapshot", "a"], ["restore"]])
def test_a_lab_that_is_not_up_and_a_user_who_may_not_are_errors(words):
    result = CliRunner().invoke(command, [*words, "--lab", f"none-{os.getpid()}"])

    assert isinstance(result.exception, InvalidInputError)
    assert "is up" in str(result.exception) or "the lab cannot run on this machine" in str(result.exception)
