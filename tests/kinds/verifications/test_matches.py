"""`matches`: a regular expression in the output or the answer."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.kinds.verifications.matches import Matches


@pytest.mark.parametrize(
    ("text", "pattern", "condition"),
    [
        ("stdout", "^ok$", "stdout is search('^ok$', multiline=true)"),
        ("content", r"\d+ passed", r"content is search('\\d+ passed', multiline=true)"),
        ("stdout", "it's", 'stdout is search("it\'s", multiline=true)'),
        ("stdout", "a{{2}}b", r"stdout is search('a\x7b{2\x7d}b', multiline=true)"),
    ],
)
def test_the_text_is_searched(text, pattern, condition):
    kind = Matches.model_validate({"matches": pattern})
    assert (kind.conditions(text), kind.describe()) == ((condition,), f"Output matches {pattern}")


def test_a_result_without_text_is_no_place_to_search():
    with pytest.raises(ValueError, match="^matches needs text; this result has none, use `that`$"):
        Matches.model_validate({"matches": "a"}).conditions(None)


@pytest.mark.parametrize("pattern", ["", "a*", "^", ".*", "(?s).*", "x?"])
def test_what_matches_nothing_at_all_can_not_fail(pattern, refusals):
    assert refusals(Matches, matches=pattern) == ["matches empty text, so it cannot fail; say what must be there"]


def test_it_must_be_a_regular_expression(refusals):
    assert refusals(Matches, matches="(") == [
        "is not a regular expression: missing ), unterminated subpattern at position 0"
    ]


@given(st.text(min_size=1))
def test_the_condition_searches_for_exactly_what_is_written(pattern):
    # Given any text, as a pattern that means itself
    written = "".join(f"[{character}]" if character not in "^\\[]" else f"\\{character}" for character in pattern)
    kind = Matches.model_validate({"matches": written})
    # When its condition is read as Jinja does
    environment = jinja2.Environment()
    environment.tests["search"] = lambda _, searched, multiline: searched == written and multiline
    # Then it is what was written
    assert environment.compile_expression(kind.conditions("stdout")[0])(stdout="") is True
