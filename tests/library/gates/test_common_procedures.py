"""Each common procedure has a row: of the scenario that is it, or one that says that none is."""

from __future__ import annotations

from harness.collected import alert, collected, entry

from runner.library.gates.common_procedures import common_procedures
from runner.library.registry.must_haves import MUST_HAVES


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
