"""A machine as a process: whether it runs and answers; starting one for real is shown with a whole lab."""

import pytest

from runner.core.errors import ExecutionError
from runner.lab.machines.machine_process import end_orphans, greets, is_on, shut_down, wait_for_ssh


def test_a_machine_that_was_never_started_is_off_and_ends_at_once(place):
    unit = f"{place.prefix}0-db1"
    end_orphans(unit)
    shut_down({unit: "db1"})

    assert is_on(unit) is False


def test_where_no_sshd_answers_the_error_has_the_last_words_of_the_console(tmp_path):
    console = tmp_path / "console.log"
    console.write_text("one\ntwo\nFailed to mount /proc\n")

    with pytest.raises(ExecutionError) as caught:
        wait_for_ssh({"db1": "127.0.77.99"}, {"db1": console}, patience=0.1)

    assert (caught.value.message, caught.value.hint) == (
        "no sshd answers on db1 within 0.1 s",
        "one / two / Failed to mount /proc",
    )
    assert greets("127.0.77.99") is False
