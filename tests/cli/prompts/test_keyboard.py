"""A person is waited for, and heard whatever they type: a line, the end of the input, or Ctrl-C."""

from __future__ import annotations

import os
import signal

import click
import pytest

from runner.cli.prompts import keyboard


@pytest.fixture
def keys(monkeypatch):
    """What a person types comes out of here."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "w", buffering=1) as typed:
        monkeypatch.setattr("sys.stdin", stdin)
        yield typed


def test_the_line_that_was_typed_is_returned_below_its_question(keys, capsys):
    keys.write("yes it is\n")

    assert (keyboard.typed("Is it? "), *capsys.readouterr()) == ("yes it is", "", "Is it? ")


def test_the_end_of_the_input_is_no_answer(keys):
    keys.close()

    with pytest.raises(click.Abort):
        keyboard.typed("Is it? ")


def test_a_signal_is_heard_while_nothing_is_typed(keys):
    # Given a signal that comes while a person thinks
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    # When they are waited for, whether by a question of click's or by ours
    try:
        with pytest.raises(KeyboardInterrupt):
            keyboard.typed("Is it? ")
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_question_that_is_settled_elsewhere_is_waited_for_no_longer(keys, capsys):
    answers = iter([False, True])

    assert keyboard.line("Is it", settled=lambda: next(answers)) is None
    assert capsys.readouterr().err == "Is it: \n"
