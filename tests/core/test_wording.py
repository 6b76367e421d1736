"""A list of names in a sentence is whole as long as it is short, and counted where it is not."""

from __future__ import annotations

import pytest

from runner.core.wording import listed


@pytest.mark.parametrize(
    ("names", "most", "line"),
    [
        ([], 5, ""),
        (["a"], 5, "a"),
        (list("abcde"), 5, "a, b, c, d, e"),
        (list("abcdefg"), 5, "a, b, c, d, e and 2 more"),
    ],
)
def test_many_names_are_counted(names, most, line):
    assert listed(names, most) == line
