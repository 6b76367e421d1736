"""Every error carries what a person needs, and an exit code that is public."""

from __future__ import annotations

import pytest

from runner.core import errors
from runner.core.errors import ExitCode, RunbookError

CLASSES = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, RunbookError)]


def test_the_exit_codes_are_those_of_the_manual():
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "INVALID": 2,
        "ESCALATED": 3,
        "DENIED": 4,
        "UNREACHABLE": 5,
        "LOCKED": 6,
        "AUDIT": 7,
        "PAGING": 8,
        "PARTLY_UNDONE": 9,
        "TIMED_OUT": 124,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_has_a_message_a_hint_and_a_code_that_is_no_success(kind):
    error = kind("it is broken", hint="mend it")

    assert (str(error), error.message, error.hint) == ("it is broken", "it is broken", "mend it")
    assert error.exit_code in set(ExitCode) - {ExitCode.DONE}


@pytest.mark.parametrize("kind", CLASSES)
def test_no_error_is_an_os_error_as_ansible_runner_swallows_those(kind):
    assert not issubclass(kind, OSError)
