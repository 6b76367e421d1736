"""Nothing that a host or a file says can speak to the terminal; and long things are said shortly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cli.output.terminal import brief, hanging, labelled, safe, short, with_comments

ANY = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(ANY | st.integers() | st.none(), lambda item: st.lists(item) | st.dictionaries(ANY, item))


@given(ANY)
def test_what_is_safe_is_printable_and_one_line(text):
    assert safe(text).isprintable()
    assert safe(text, lines=True).replace("\n", "").isprintable()


@given(st.text(st.sampled_from("abc ,-/=")), st.integers(20, 100))
def test_a_long_text_goes_on_below_itself_and_loses_nothing(text, columns):
    (line,) = labelled([("does", text)])

    first, *others = lines = hanging(line, columns)

    assert all(len(each) <= max(columns, 22) for each in lines)
    assert first.startswith("  does")
    assert all(each.startswith(" " * 11) for each in others)
    assert "".join("".join(lines).split()) == "".join(line.split())


def test_what_goes_on_stands_below_the_text_of_any_label():
    assert hanging("   6.0s  seen        the probe: status 503 of the service", 44, 21) == [
        "   6.0s  seen        the probe: status 503",
        "                     of the service",
    ]


def test_nothing_is_broken_where_no_terminal_is_so_narrow():
    assert (hanging("  does     a b", 0), hanging("  does     a b", 14)) == (["  does     a b"], ["  does     a b"])


@pytest.mark.parametrize("columns", [0, 28, 27])
def test_what_a_command_does_stands_below_it_where_there_is_no_room_behind_and_no_command_is_broken(columns):
    lines = with_comments({"runbook ack RUN": "takes it", "runbook show RUN": "shows"}, columns)

    assert lines == (
        ["runbook ack RUN", "  # takes it", "runbook show RUN", "  # shows"]
        if columns == 27
        else ["runbook ack RUN   # takes it", "runbook show RUN  # shows"]
    )


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_left_as_it_is(text):
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\tc\x7f", "a\\rb\\tc\\x7f"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("half \ud83d", "half \\ud83d"),
        ("Grüße 😀 日本", "Grüße 😀 日本"),
        ("two\nlines", "two\\nlines"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_shown(text, shown):
    assert safe(text) == shown


def test_line_breaks_are_kept_on_request():
    assert safe("two\nlines\x1b", lines=True) == "two\nlines\\x1b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("  short  ", "short"),
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 9 + "…"),
        ("first\nsecond", "first…"),
        ("first\n", "first"),
        ("\n\nfirst", "first"),
    ],
)
def test_short_is_the_first_line_and_says_when_there_is_more(text, shown):
    assert short(text, 10) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "5"),
        ([], "nothing"),
        ([1, 2], "1, 2"),
        (list(range(7)), "7 items: 0, 1, 2 ... 6"),
        ({"pid": 1, "idle": "10 min"}, "(pid=1 idle=10 min)"),
        ([{"pid": 1}, {"pid": 2}], "(pid=1), (pid=2)"),
        ({"\x1b": "\x1b"}, "(\\x1b=\\x1b)"),
    ],
)
def test_a_value_in_brief(value, shown):
    assert brief(value) == shown


@given(VALUES)
def test_a_value_in_brief_is_always_safe(value):
    assert brief(value).isprintable()
