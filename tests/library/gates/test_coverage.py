"""What may happen comes from the registry and from what runbooks wait for, each with the runbooks that are for it."""

from __future__ import annotations

import pytest
from harness.collected import alert, collected, entry

from runner.library.gates.coverage import absence, answered, situations, written


@pytest.fixture
def collection(tmp_path):
    return collected(
        tmp_path,
        {"trigger": {"alert": "MON-001"}},
        {"id": "RUN-002", "trigger": {"event": "A release"}, "severity": "P3"},
        {"id": "RUN-003", "trigger": {"alert": "MON-009", "condition": "too hot"}},
        {"id": "RUN-004", "trigger": {"event": "Friday"}},
        registry=alert("MON-001", runbook="RUN-005")
        + alert("MON-002", "info", page="docs/a.md")
        + entry("SCN-001", category="incident", severity="P0", runbook="RUN-002")
        + entry("RUN-005", "Rollback", category="deployment")
        + entry("RISK-001", level="medium", runbook="RUN-001")
        + entry("DEP-001")
        + entry("DEP-002", rollback="{trigger: it fails}"),
    )


def test_what_may_happen_and_what_is_for_it(collection):
    assert [(each.id, each.title, each.severity, each.runbooks, each.page) for each in situations(collection)] == [
        ("MON-001", "Something", "P1", ("RUN-005", "RUN-001"), None),
        ("MON-002", "Something", "info", (), "docs/a.md"),
        ("SCN-001", "Something", "P0", ("RUN-002",), None),
        ("MON-009", "too hot", "P2", ("RUN-003",), None),
        ("event", "Friday", "P2", ("RUN-004",), None),
    ]


def test_each_situation_knows_where_it_is_written(collection):
    found = [each.finding("rule", "said") for each in situations(collection)]
    assert [(each.file.rpartition("/")[2], each.line, each.path) for each in found] == [
        ("registry.yml", 1, "MON-001"),
        ("registry.yml", 2, "MON-002"),
        ("registry.yml", 3, "SCN-001"),
        ("RUN-003.yml", 7, "trigger"),
        ("RUN-004.yml", 7, "trigger"),
    ]


def test_risks_and_rollbacks_call_for_a_runbook(collection):
    assert [(each.id, why, runbook) for each, why, runbook in answered(collection)] == [
        ("DEP-002", "rollback when it fails", None),
        ("RISK-001", "medium risk", "RUN-001"),
    ]


def test_a_runbook_that_is_not_there_is_planned_or_misspelled(collection):
    assert [absence(collection, name) for name in ("RUN-001", "RUN-005", "RUN-100", "RUN-987")] == [
        "",
        "RUN-005 (Rollback) is planned, and not written yet",
        "there is no RUN-100; did you mean RUN-001?",
        "there is no RUN-987",
    ]
    assert [each.id for each in written(collection, ("RUN-005", "RUN-002"))] == ["RUN-002"]
