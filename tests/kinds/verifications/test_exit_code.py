"""`exit`: the exit codes that are good."""

from __future__ import annotations

import pytest

from runner.kinds.verifications.exit_code import Exit


@pytest.mark.parametrize(
    ("written", "condition", "words"),
    [(0, "rc in [0]", "Exit code is 0"), ([0, 2], "rc in [0, 2]", "Exit code is 0 or 2")],
)
def test_the_code_is_one_of_these(written, condition, words, short):
    kind = Exit.model_validate({"exit": written})
    assert (kind.conditions("stdout"), kind.describe()) == ((condition,), words)
    assert (kind.probe(short), kind.good_exits) == (None, kind.exit)


@pytest.mark.parametrize("text", [None, "content"])
def test_only_a_command_has_one(text):
    with pytest.raises(ValueError, match="^exit needs a command's result; this one has no exit code$"):
        Exit.model_validate({"exit": 0}).conditions(text)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (256, "an exit code is a number from 0 to 255, not 256"),
        ([0, -1], "an exit code is a number from 0 to 255, not -1"),
        ([], "is an empty list"),
        (
            [0, 127],
            "127 says that the program is not there, which is never good; where it may be, let the command test for it",
        ),
        (
            126,
            "126 says that the program may not be run, which is never good; where it may be, let the command test for it",
        ),
        (
            [3, 124],
            "124 says that the command was ended at its time limit, which is never good; where it may be, let the command "
            "test for it",
        ),
        ("0", "Input should be a valid integer"),
        (True, "Input should be a valid integer"),
    ],
)
def test_what_it_refuses(written, sentence, refusals):
    assert refusals(Exit, exit=written) == [sentence]
