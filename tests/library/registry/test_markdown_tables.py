"""The tables of a Markdown text are found with the line of each row, and cells say what a reader sees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.library.registry.markdown_tables import Line, Table, tables


def test_each_row_knows_its_line():
    text = "# Alerts\n\n| ID | What |\n|:--|--:|\n| MON-001 | a |\n| MON-002 | b |\n\ntext\n\nA | B\n-|-\nx | y\n"

    first, second = tables(text)

    assert first == Table(Line(3, ("ID", "What")), (Line(5, ("MON-001", "a")), Line(6, ("MON-002", "b"))))
    assert first.column(1) == ["a", "b"]
    assert second == Table(Line(10, ("A", "B")), (Line(12, ("x", "y")),))


def test_a_cell_says_what_a_reader_sees():
    text = (
        "|a|b|c|\n|-|-|-|\n| **x** `y \\| z` | [doc](https://x.example/d) [MON-001](#mon) | one<br>two <b>&lt;</b> |\n"
    )

    (table,) = tables(text)

    assert table.rows[0].cells == ("x y | z", "doc https://x.example/d MON-001", "one two <")


def test_a_row_that_is_too_short_or_too_long_has_as_many_cells_as_the_head():
    (table,) = tables("|a|b|\n|-|-|\n|1|\n|1|2|3|\n")

    assert [row.cells for row in table.rows] == [("1", ""), ("1", "2")]


def test_a_block_of_code_is_no_table():
    assert list(tables("```\n|a|\n|-|\n|1|\n```\n")) == []


@given(st.text(alphabet="|-ab \n`[]()*<\\:", max_size=80))
def test_any_text_is_read(text):
    for table in tables(text):
        assert all(len(row.cells) == len(table.head.cells) and row.number > table.head.number for row in table.rows)
