"""What runbooks, hosts and people say stays text in what is rendered."""

from __future__ import annotations

import pytest

from runner.render.markup import markdown, one_line, template_environment, visible


def test_what_does_not_show_is_made_visible():
    assert visible("a\x1b[2J\u202eb\nc\td\x00") == "a\ufffd[2J\ufffdb\nc\td\ufffd"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\n b\t\x1b[0m", "a b [0m"),
        (5, "5"),
        (None, "null"),
        ({"a": ["ü", 1]}, '{"a": ["ü", 1]}'),
        ("", ""),
    ],
)
def test_a_value_is_one_line_of_what_shows(value, shown):
    assert one_line(value) == shown


def test_markdown_means_nothing_in_a_markdown():
    assert (
        markdown("a|b <c> [d](e) `f` *g* & \\ _h_ a_b")
        == "a\\|b \\<c\\> \\[d\\](e) \\`f\\` \\*g\\* \\& \\\\ \\_h\\_ a_b"
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        *(("# a", "\\# a"), ("- a", "\\- a"), ("+", "\\+"), ("1. a", "1\\. a"), ("12)", "12\\)"), ("---", "\\---"), ("~~~", "\\~~~")),
        *(("1.5s", "1.5s"), ("2026-11-28", "2026-11-28"), ("-x", "-x"), ("#1", "#1")),
    ],
)  # fmt: skip
def test_only_what_begins_a_block_of_markdown_is_marked(said, shown):
    assert markdown(said) == shown


def test_a_template_prints_nothing_that_is_more_than_text():
    page = template_environment("runner.render").from_string("{{ a }} {{ b }}").render(a="<b>\x1b", b=5)

    assert page == "&lt;b&gt;\ufffd 5"


def test_a_template_that_is_compiled_already_prints_in_the_way_of_each_environment():
    kinds = [(True, visible), (True, str), (False, visible), (True, visible)]
    made = [template_environment("runner.render", html=html, text=text) for html, text in kinds]

    pages = [each.get_template("matrix.html.j2").render(rows=[], columns=["<b>\x1b"], note="") for each in made]

    assert ["&lt;b&gt;" in page for page in pages] == [True, True, False, True]
    assert ["\x1b" in page for page in pages] == [False, True, False, False]
    assert pages[3] == pages[0]
