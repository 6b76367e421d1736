"""When a runbook was last tested is what its record proves: for the text as it is now, else for an earlier one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from harness.collected import SHIPPED

from runner.library.last_tested import LastTest, Proof, last_tested

SOURCE = SHIPPED.source("RUN-001")


def proof(day, sha256=SOURCE.sha256, *, runbook="RUN-001", environment="staging", drilled=False):
    return Proof(runbook, sha256, "p", environment, f"run-{day}", datetime(2026, 1, day, tzinfo=UTC), drilled)


@pytest.mark.parametrize(
    ("proofs", "told"),
    [
        ([proof(1), proof(3), proof(2)], "2026-01-03 (staging)"),
        ([proof(1), proof(3, "old"), proof(9, runbook="RUN-002")], "2026-01-01 (staging)"),
        ([proof(1, "old"), proof(3, "older")], "2026-01-03 (staging), untested since edit"),
        ([proof(1), proof(3, environment="lab", drilled=True)], "2026-01-03 (drill in lab)"),
        ([proof(1), proof(3, environment="lab")], "2026-01-01 (staging)"),
        ([proof(1, environment="production")], "None"),
        ([proof(1, environment="")], "None"),
        ([proof(9, runbook="RUN-002")], "None"),
        ([], "None"),
    ],
)
def test_the_newest_proof_of_the_text_as_it_is_counts(proofs, told):
    assert str(last_tested(SOURCE, proofs)) == told


def test_it_says_where_and_whether_it_is_current():
    assert last_tested(SOURCE, [proof(1)]) == LastTest(datetime(2026, 1, 1, tzinfo=UTC), "staging", current=True)


@pytest.mark.parametrize(
    ("severity", "due"),
    [
        *(("P0", "2026-04-02"), ("P1", "2026-04-02"), ("critical", "2026-04-02")),
        *(("P2", "2027-01-01"), ("P3", "2027-01-01"), ("warning", "2027-01-01"), ("info", "2027-01-01")),
    ],
)
def test_what_cannot_wait_is_tested_each_quarter_and_the_rest_each_year(severity, due):
    assert f"{last_tested(SOURCE, [proof(1)]).due(severity):%Y-%m-%d}" == due
