"""A program that keeps secrets is asked in time and without a person, and all that it starts is ended."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from harness.secret_stores import CANARY, install

from runner.core.secrets import SecretUnavailableError
from runner.kinds.secrets.base import ask_program


def test_a_program_that_waits_is_ended_with_all_that_it_has_started(tmp_path):
    code = f'sleep 600 & echo $! > {tmp_path}/child; echo "$SECRET"; sleep 600'
    environ = install(tmp_path, "wait", code)

    with pytest.raises(SecretUnavailableError) as caught:
        ask_program(["wait", "here"], environ, login="wait login", patience=0.5)

    assert str(caught.value) == "wait has not answered within 0.5 s, and may wait for somebody; type: wait login"
    assert is_ended(int((tmp_path / "child").read_text()))


def test_a_program_has_neither_input_nor_a_terminal(tmp_path):
    code = 'read -r line && exit 8; (: < /dev/tty) 2> /dev/null && exit 9; echo "$SECRET"; echo no >&2; exit 4'

    answer = ask_program(["ask"], install(tmp_path, "ask", code), login="")

    assert (answer.code, answer.output, answer.complaint) == (4, f"{CANARY}\n", "no\n")


@pytest.mark.parametrize("code", ["yes", "yes >&2", "yes | head -c 70000"])
def test_what_is_printed_without_an_end_is_neither_kept_nor_cut(tmp_path, code):
    with pytest.raises(SecretUnavailableError) as caught:
        ask_program(["print"], install(tmp_path, "print", code), login="")

    assert str(caught.value) == "print prints more than 64 KiB, which is no secret"


def test_what_it_leaves_running_holds_nobody_up_and_is_ended(tmp_path):
    code = f'sleep 600 & echo $! > {tmp_path}/child; echo "$SECRET"'

    assert ask_program(["leave"], install(tmp_path, "leave", code), login="").output == f"{CANARY}\n"

    assert is_ended(int((tmp_path / "child").read_text()))


def is_ended(process):
    """Whether the process is over; a process that has been ended may be there for a moment."""
    for _ in range(500):
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False
