"""Every form of the matrix holds the same rows, and what they say is never more than text."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.library.gates.matrix import Row
from runner.render.matrix_tables import FORMS, note

GAP = Row(("no runbook",), "MON-002", "Full | <b>", "", "P0", "< 5 min", "Backend", None, "")
GOOD = Row((), "MON-001", "=HYPERLINK(1)", "RUN-001 Disk", "P3", "next business day", "Ops", None, "L1 A, then L2 B")
TEXTS = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=12)


class Cells(HTMLParser):
    """The text of each cell of a table's body."""

    def __init__(self, page):
        super().__init__()
        self.found, self.inside, self.tags = [], False, set()
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "td":
            self.inside = True
            self.found.append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"

    def handle_data(self, data):
        if self.inside:
            self.found[-1] += data


def test_markdown():
    assert FORMS["md"]([GAP, GOOD]) == (
        "# Incident response matrix\n"
        "\n"
        "1 of 2 rows have a gap; they come first. When a runbook was last tested is in the record: runbook matrix shows it.\n"
        "\n"
        "| gap | id | scenario | runbook | severity | response | owner | escalation |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        "| no runbook | MON-002 | Full \\| \\<b\\> |  | P0 | \\< 5 min | Backend |  |\n"
        "|  | MON-001 | =HYPERLINK(1) | RUN-001 Disk | P3 | next business day | Ops | L1 A, then L2 B |\n"
    )


def test_a_spreadsheet_has_no_formulas():
    assert FORMS["csv"]([GAP, GOOD]) == (
        "gap,id,scenario,runbook,severity,response,owner,escalation\n"
        "no runbook,MON-002,Full | <b>,,P0,< 5 min,Backend,\n"
        ',MON-001,\'=HYPERLINK(1),RUN-001 Disk,P3,next business day,Ops,"L1 A, then L2 B"\n'
    )


def test_json_has_the_gaps_as_a_list():
    assert json.loads(FORMS["json"]([GAP]))[0] == {
        "gap": ["no runbook"],
        "id": "MON-002",
        "scenario": "Full | <b>",
        "runbook": "",
        "severity": "P0",
        "response": "< 5 min",
        "owner": "Backend",
        "escalation": "",
    }


def test_a_page_of_html_stands_alone_and_marks_the_gaps():
    page = FORMS["html"]([GAP, GOOD])

    assert Cells(page).tags.isdisjoint({"script", "link", "img", "b"})
    assert ("http://" in page or "https://" in page or "url(" in page, page.count('<tr class="gap">')) == (False, 1)


@given(TEXTS)
def test_whatever_a_title_says_every_form_says_it_and_nothing_else(title):
    row = Row((), "MON-001", title, title, "P1", "< 5 min", "x", "never", "y")
    cells = [title if key in {"scenario", "runbook"} else cell for key, cell in row.cells().items()]

    assert Cells(FORMS["html"]([row])).found == cells
    assert json.loads(FORMS["json"]([row]))[0]["scenario"] == title
    _, line = csv.reader(io.StringIO(FORMS["csv"]([row])))
    assert line[2] in {title, f"'{title}"}
    assert len(FORMS["md"]([row]).splitlines()) == 7


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "The library names nothing that may happen."),
        (
            [Row((), "a", "b", "c", "P1", "d", "e", "never", "f")],
            "Everything that may happen has a runbook, with an owner and somebody who is called.",
        ),
    ],
)
def test_what_a_reader_must_know_first(rows, told):
    assert note(rows) == told
    assert all(FORMS[form](rows) for form in ("md", "html", "json"))
