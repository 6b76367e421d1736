"""An exception from a rule: in its line or above the next one, with its reason."""

from __future__ import annotations

import pytest

from runner.lint.suppressions import exemptions


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1  # lint: allow too-long - it is quoted\n", [("too-long", 1, "it is quoted")]),
        ("# lint: allow too-long - why\n# more\n\na: 1\n", [("too-long", 4, "why")]),
        ("a: 1  # lint: allow one, two - both\n", [("one", 1, "both"), ("two", 1, "both")]),
        ("a: 1  # lint: allow too-long\n", [("too-long", 1, "")]),
        ("a: 1  # lint: allow\n", [("", 1, "")]),
        ("a: 1  # lint allows it\n", []),
    ],
)
def test_what_is_allowed_where_and_why(text, found):
    assert [(each.rule, each.line, each.reason) for each in exemptions(text)] == found


def test_it_says_where_it_is_written():
    text = "first: line\na: 1  # lint: allow too-long - why\n"

    (exemption,) = exemptions(text)

    assert text[exemption.offset :].startswith("# lint: allow too-long")
