"""Entries come out of the tables and lines that teams keep in Markdown, and what the text contradicts is told."""

from __future__ import annotations

import pytest
from harness.collected import alert, collected
from hypothesis import given
from hypothesis import strategies as st

from runner.library.registry.entry_kinds import KINDS
from runner.library.registry.registry_import import KEYS, Line, Table, entries, tables, value

ALERTS = """\
| ID | Alert | Severity | Threshold | Runbook | Team |
|----|-------|----------|-----------|---------|------|
| [MON-005](https://x.example/5) | Pool nearly full | Critical | above 90 % | RUN-001 | Backend Team |
| MON-006 | Disk full | SEV2 | above 95 % | - | |
"""


def imported(text, known=None, owner="ops"):
    found = entries(text, file="a.md", owner=owner, known=known or {})
    return dict(found.entries), [str(each) for each in found.findings]


def test_a_table_of_alerts():
    assert imported(ALERTS) == (
        {
            "MON-005": {
                "title": "Pool nearly full",
                "owner": "backend-team",
                "severity": "critical",
                "condition": "above 90 %",
                "runbook": "RUN-001",
            },
            "MON-006": {"title": "Disk full", "owner": "ops", "severity": "P2", "condition": "above 95 %"},
        },
        [],
    )


def test_each_prefix_takes_what_its_table_says():
    text = (
        "| DEP | Criterion | Rollback trigger | Runbook |\n|-|-|-|-|\n| DEP-001 | Smoke tests pass | they fail | RUN-005 |\n"
        "\n| Risk | Entry | Level | Mitigation |\n|-|-|-|-|\n| Lost data | RISK-008 | Med | Restore |\n"
        "\n| # | Name |\n|-|-|\n| UJ-001 | Sign up |\n"
    )

    assert imported(text)[0] == {
        "DEP-001": {
            "title": "Smoke tests pass",
            "owner": "ops",
            "rollback": {"trigger": "they fail", "runbook": "RUN-005"},
        },
        "RISK-008": {"title": "Lost data", "owner": "ops", "level": "medium", "note": "Restore"},
        "UJ-001": {"title": "Sign up", "owner": "ops"},
    }


def test_lines_with_an_id_and_a_colon_are_entries_and_runbooks_are_not():
    text = (
        "- [ ] DEP-002: All tests pass\nRUN-001: Pool\nARC-001: One database\n| ID | What |\n|-|-|\n| RUN-002 | x |\n"
    )

    assert imported(text) == (
        {
            "ARC-001": {"title": "One database", "owner": "ops"},
            "DEP-002": {"title": "All tests pass", "owner": "ops"},
        },
        [],
    )


@pytest.mark.parametrize(
    ("text", "owner", "told"),
    [
        (
            "- DEP-002: Tests pass\n",
            None,
            ["a.md:1:1: DEP-002.owner: is missing; name one with --owner [error: missing-key]"],
        ),
        (
            "\n| ID | What |\n|-|-|\n| RISK-001 | Fire |\n",
            "ops",
            ["a.md:4:1: RISK-001.level: is missing; add a column for it: level [error: missing-key]"],
        ),
        (
            "| ID | What | Color |\n|-|-|-|\n| ARC-001 | a | red |\n",
            "ops",
            [
                "a.md:1:1: the column 'Color' is left out; possible columns are alertname, category, commands, condition, "
                "level, links, note, owner, page, rollback, runbook, severity, symptoms, title [warning: unknown-column]"
            ],
        ),
        (
            "| ID | What |\n|-|-|\n| arc_1 | a |\n",
            "ops",
            [
                "a.md:3:1: arc_1: must be capital letters, - and three to six digits, like MON-001, not 'arc_1'; "
                "did you mean ARC-001? [error: wrong-value]"
            ],
        ),
        (
            "| ID | What | Level |\n|-|-|-|\n| RISK-001 | a | huge |\n",
            "ops",
            ["a.md:3:1: RISK-001.level: must be high, medium or low, not 'huge' [error: wrong-value]"],
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_row(text, owner, told):
    assert imported(text, owner=owner)[1] == told


def test_one_id_with_two_meanings_is_told():
    text = (
        "- DEP-003: No critical blockers\n- DEP-003: no blockers at all\n\nTag the release for rollback (per DEP-003)\n"
    )

    assert imported(text) == (
        {"DEP-003": {"title": "No critical blockers", "owner": "ops"}},
        [
            "a.md:4:35: DEP-003 is 'Tag the release for rollback' here and 'No critical blockers' in line 1; "
            "one id is one thing: give one of them another [error: two-meanings]"
        ],
    )


def test_what_the_registry_knows_is_left_out_and_must_mean_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    registry = alert("MON-005", title="Pool") + alert("MON-006", title="Latency") + alert("MON-007", title="Errors")

    found, told = imported(ALERTS + "\nErrors (MON-007)\n", known=collected(tmp_path, a=registry).references)

    assert (found, told) == (
        {},
        [
            "a.md:3:1: MON-005 is in runbooks/registry/a.yml:1 already, and left out [info: duplicate-id]",
            "a.md:4:1: MON-006 is 'Disk full' here and 'Latency' in runbooks/registry/a.yml:2; "
            "one id is one thing: give one of them another [error: two-meanings]",
        ],
    )


def test_tables_without_ids_are_none_of_ours():
    assert imported("| Category | Purpose |\n|-|-|\n| Incident | Handle issues |\n") == ({}, [])


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


@pytest.mark.parametrize(
    ("key", "cell", "means"),
    [
        ("owner", "Backend Team", "backend-team"),
        ("severity", "Critical", "critical"),
        ("severity", "SEV-1", "P1"),
        ("severity", "sev2", "P2"),
        ("severity", "P0", "P0"),
        ("level", "High", "high"),
        ("level", "Med", "medium"),
        ("runbook", "RUN-001: Pool", "RUN-001"),
        ("runbook", "the usual", "the usual"),
        ("page", "guide https://wiki.example/a", "https://wiki.example/a"),
        ("symptoms", "HTTP 503, slow pages; ", ["HTTP 503", "slow pages"]),
        ("links", "see MON-001/MON-002 and DEP-003", ["MON-001", "MON-002", "DEP-003"]),
        ("title", "Full disk", "Full disk"),
        ("runbook", "\u2014", None),
        ("owner", "TBD", None),
        ("note", "", None),
    ],
)
def test_a_cell_means(key, cell, means):
    assert value(key, cell) == means


def test_every_column_is_for_a_key_of_some_entry():
    assert set(KEYS.values()) <= {name for kind in KINDS.values() for name in kind.model_fields}
