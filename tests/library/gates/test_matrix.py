"""The matrix has a row for everything that may happen, and says in words where nobody is ready for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from harness.collected import alert, collected, entry

from runner.library.gates.matrix import Row, common_procedures, matrix
from runner.library.last_tested import Proof
from runner.library.registry.registry import MUST_HAVES
from runner.model.yaml.finding import InvalidFileError

MON = alert("MON-001", runbook="RUN-001")


@pytest.fixture
def rows(tmp_path):
    """The matrix of these runbooks and entries; tested are the runbooks that are named, and by their present text."""

    def make(*runbooks, tested=(), written=False, old=False, **registry):
        collection = collected(tmp_path, *(runbooks or [{}]), **registry)
        proofs = [
            Proof(
                name,
                "old" if old else collection.runbooks[name].sha256,
                "p",
                "staging",
                "r",
                datetime(2026, 1, 2, tzinfo=UTC),
            )
            for name in tested
        ]
        return matrix(collection, None if written else proofs)

    return make


def test_a_row_says_what_whom_when_and_how_soon(rows):
    assert rows(a=MON, tested=["RUN-001"]) == (
        Row(
            gaps=(),
            id="MON-001",
            scenario="Something",
            runbook="RUN-001 Disk is full",
            severity="P1",
            response="< 5 min",
            owner="Backend team",
            last_tested="2026-01-02 (staging)",
            escalation="L1 On-call engineer",
        ),
    )


@pytest.mark.parametrize(
    ("changes", "gaps"),
    [
        ({"a": MON}, ("RUN-001 was never tested",)),
        ({"a": MON, "tested": ["RUN-001"], "old": True}, ("RUN-001 has changed since its last test",)),
        ({"a": MON, "written": True}, ()),
        ({"a": alert("MON-001", owner="ghost"), "written": True}, ("nobody is called 'ghost'",)),
        (
            {"a": MON.replace("RUN-001", "RUN-007"), "b": entry("RUN-007", category="incident"), "written": True},
            ("RUN-007 (Something) is planned, and not written yet",),
        ),
    ],
)
def test_what_is_missing_is_a_gap(rows, changes, gaps):
    assert rows(**changes)[0].gaps == gaps


@pytest.mark.parametrize(
    ("keys", "gaps"),
    [
        ({"severity": "P0"}, ("no runbook: needs a dedicated incident runbook",)),
        ({"severity": "warning"}, ("no runbook: needs a runbook, which it may share",)),
        ({"severity": "info"}, ("no page: needs a page of reference documentation",)),
        ({"severity": "info", "page": "absent.md"}, ("absent.md is not there",)),
        ({"severity": "info", "page": "'https://wiki.example/'"}, ()),
    ],
)
def test_an_alert_without_what_its_severity_asks_for_is_a_gap(rows, keys, gaps):
    (row,) = [row for row in rows(a=MON + alert("MON-002", **keys), written=True) if row.id == "MON-002"]
    assert row.gaps == gaps


def test_a_critical_alert_that_shares_its_runbook_has_a_gap_as_it_fails_the_gate(rows):
    found = rows(a=MON + alert("MON-002", "P0", runbook="RUN-001"), written=True)

    assert [row.gaps for row in found if row.id == "MON-002"] == [
        ("no runbook of its own: RUN-001 is for MON-001 as well",)
    ]


def test_a_runbook_that_nobody_owns_or_is_called_for_is_a_gap(rows):
    escalation = {"when": ["step_failed"], "contacts": ["backend-team", "nobody"], "provide": ["timeline"]}

    (row,) = rows({"owner": "ghost", "escalation": escalation}, a=MON, written=True)

    assert row.gaps == ("RUN-001 has no owner: nobody is called 'ghost'", "RUN-001: nobody can be called")
    assert row.escalation == "L1 Backend team, then nobody"


def test_gaps_come_first_and_then_what_is_most_urgent(rows):
    found = rows(
        {},
        {"id": "RUN-002", "trigger": {"event": "A release"}, "severity": "P3"},
        a=MON
        + alert("MON-002", "info")
        + alert("MON-003", "P0")
        + entry("SCN-001", category="incident", severity="warning", runbook="RUN-001"),
        written=True,
    )

    assert [(row.id, bool(row.gaps)) for row in found] == [
        ("MON-003", True),
        ("MON-002", True),
        ("MON-001", False),
        ("SCN-001", False),
        ("event", False),
    ]


def test_a_library_that_does_not_load_has_no_matrix(rows):
    with pytest.raises(InvalidFileError):
        rows(a="{")


def test_every_procedure_is_there_and_what_is_missing_comes_first(tmp_path):
    collection = collected(
        tmp_path,
        {},
        a=alert("MON-001")
        + entry(
            "SCN-001", "API is down", category="incident", severity="P0", runbook="RUN-001", must_have="service-down"
        )
        + entry("SCN-002", "Roll back", category="deployment", severity="P1", runbook="RUN-009", must_have="rollback")
        + entry("SCN-003", "Something else", category="incident", severity="P1", runbook="RUN-001"),
    )

    rows = common_procedures(collection, None)

    assert len(rows) == len(MUST_HAVES) == 12
    assert [(row.id, row.scenario, row.gaps) for row in rows if row.id] == [
        ("SCN-002", "deployment, Rollback: Roll back", ("there is no RUN-009",)),
        ("SCN-001", "incident, Service down: API is down", ()),
    ]
    assert (rows[0].scenario, rows[0].gaps) == (
        "incident, Performance degradation",
        ("no SCN- entry says `must_have: performance-degradation`",),
    )
    assert rows[-1].id == "SCN-001"


def test_the_columns_are_those_of_the_matrix(tmp_path):
    for proofs in (None, []):
        assert len({tuple(row.cells()) for row in common_procedures(collected(tmp_path, {}), proofs)}) == 1
