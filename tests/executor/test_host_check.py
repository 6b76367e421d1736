"""What is known of a host, in one word, and the last words of a program."""

from __future__ import annotations

import pytest

from runner.executor.host_check import HostCheck, UnfitError, last_lines


@pytest.mark.parametrize(
    ("known", "outcome"),
    [
        ({"passed": ("it answers",)}, "passed"),
        ({"left": "it has a jump host"}, "not checked"),
        ({"left": "it has a jump host", "problem": "no route to host"}, "unreachable"),
    ],
)
def test_a_problem_counts_more_than_what_was_left_to_ansible(known, outcome):
    assert HostCheck("db1", **known).outcome == outcome


def test_the_last_lines_that_say_something():
    assert last_lines("one\n two \n\n") == "two"
    assert last_lines("one\ntwo\nthree\n", lines=2) == "two; three"
    assert last_lines(" \n") == "it says nothing"
    assert len(last_lines("x" * 1000)) == 200


def test_what_is_unfit_has_a_message_and_a_hint():
    error = UnfitError("no such key", "make one")

    assert (str(error), error.message, error.hint) == ("no such key", "no such key", "make one")
