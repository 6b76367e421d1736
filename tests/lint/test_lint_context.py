"""What judges a step: its exit code, or what it says."""

from __future__ import annotations

import pytest

from runner.kinds.verifications.exit_code import Exit
from runner.kinds.verifications.matches import Matches
from runner.kinds.verifications.that import That
from runner.lint.lint_context import exit_codes, judges_output
from runner.model.verification import Verification


def made(*kinds):
    return [Verification(says="Fine", kinds=kinds)]


@pytest.mark.parametrize(
    ("condition", "judges"),
    [
        ("stdout == 'ok'", True),
        ("result.count == 0", True),
        ("rc == 0", False),
        ("stdout | length > 0", False),
        ("stdout != ''", False),
    ],
)
def test_that_something_is_said_is_no_judgement_of_what_is_said(condition, judges):
    assert judges_output(made(That(that=condition))) is judges


def test_a_pattern_judges_what_is_said_and_an_exit_code_does_not():
    assert judges_output(made(Matches(matches="ok")))
    assert not judges_output(made(Exit(exit=0)))


def test_the_good_exit_codes_are_those_that_are_named_or_zero():
    assert exit_codes(made(Exit(exit=[3, 4]))) == {3, 4}
    assert exit_codes(made(Matches(matches="ok"))) == {0}
    assert exit_codes([]) == {0}
