"""Programs of the system: what they print, and what is said of one that fails or is not there."""

import pytest

from runner.core.errors import ExecutionError
from runner.lab.machines.lab_commands import call, succeeds


def test_what_it_prints_is_returned_and_it_reads_the_script():
    assert call("cat", "-", script="one\ntwo\n") == "one\ntwo\n"


def test_one_that_fails_is_an_error_in_its_own_words():
    with pytest.raises(ExecutionError) as caught:
        call("sh", "-c", "echo no such device >&2; exit 2")

    assert (caught.value.message, caught.value.hint) == (
        "sh -c echo no such device >&2; exit 2 failed",
        "no such device",
    )


def test_one_that_is_not_there_is_an_error():
    with pytest.raises(ExecutionError, match="runbook-no-such-program cannot be run"):
        call("runbook-no-such-program")


def test_what_may_fail_says_whether_it_did():
    assert (succeeds("true"), succeeds("false"), succeeds("runbook-no-such-program")) == (True, False, False)
