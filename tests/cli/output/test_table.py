"""Rows as an aligned table."""

from __future__ import annotations

from runner.cli.output.table import draw

ROWS = [
    {"id": "RUN-001", "tags": ["a", "b"], "note": "", "age": 3},
    {"id": "RUN-1000", "tags": [], "note": "", "age": 12},
]


def test_columns_are_as_wide_as_what_is_in_them_and_nothing_trails(capsys):
    draw(ROWS, empty="No runbooks.", optional={"note"})

    assert capsys.readouterr().out.splitlines() == [
        "ID        TAGS  AGE",
        "RUN-001   a, b  3",
        "RUN-1000  none  12",
    ]


def test_an_optional_column_is_shown_where_a_row_has_something_in_it(capsys):
    draw([{"id": "a", "note": ""}, {"id": "b", "note": "old"}], empty="", optional={"note"})

    assert capsys.readouterr().out.splitlines() == ["ID  NOTE", "a", "b   old"]


def test_without_rows_there_is_only_a_sentence_on_stderr(capsys):
    draw([], empty="No runbooks.")

    assert capsys.readouterr() == ("", "No runbooks.\n")
