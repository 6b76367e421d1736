"""When somebody is called, and whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.fakes import runbook_file
from harness.runbook_files import read_runbook
from hypothesis import given
from hypothesis import strategies as st

from runner.channels.base import Page
from runner.escalation.policy import dedup_key, level_key, make_page, patience
from runner.kinds.verifications.confirm import Confirm
from runner.model.escalation_policy import Declared, Escalation, Unresolved
from runner.model.verification import Verification

RUN = "20260101T000000Z-0123abcd"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FINE = Verification(says="Fine", kinds=(Confirm(confirm="Fine"),))
STEP_FAILED, FIVE, TEN = (
    "step_failed",
    Unresolved(unresolved_for=timedelta(minutes=5)),
    Unresolved(unresolved_for=timedelta(minutes=10)),
)
DECLARED = Declared(declared="Too much")


def policy(*when):
    return Escalation(when=when, contacts=("on-call",), provide=("timeline",))


@pytest.mark.parametrize(
    ("when", "seconds"), [((STEP_FAILED,), None), ((TEN, STEP_FAILED, FIVE), 300.0), ((DECLARED, TEN), 600.0)]
)
def test_how_long_a_run_may_take(when, seconds):
    assert patience(policy(*when)) == seconds


def test_an_incident_is_the_same_whichever_run_sees_it():
    key = dedup_key("RUN-001", "production", ["db2", "db1"])
    assert key == "runbookctl/RUN-001/production/e3c09a8e50f59c59" == dedup_key("RUN-001", "production", ["db1", "db2"])


@given(st.lists(st.text(max_size=5), max_size=3), st.lists(st.text(max_size=5), max_size=3))
def test_other_hosts_are_another_incident(one, two):
    same = sorted("\n".join(sorted(one)).split("\n")) == sorted("\n".join(sorted(two)).split("\n"))
    assert same or dedup_key("RUN-001", "lab", one) != dedup_key("RUN-001", "lab", two)
    assert len(dedup_key("RUN-001", "production", one * 50)) < 255


def test_each_level_of_the_ladder_is_woken_by_an_incident_of_its_own():
    key = dedup_key("RUN-001", "production", ["db1"])
    assert [level_key(key, level) for level in ("L1", "L2")] == [key, f"{key}/L2"]


@pytest.fixture
def runbook(tmp_path):
    def make(*provide, **changes):
        policy_ = {"when": ["step_failed"], "contacts": ["on-call"], "provide": list(provide) or ["timeline"]}
        return read_runbook(runbook_file(tmp_path, escalation=policy_, **changes))

    return make


@pytest.mark.parametrize(
    ("severity", "told"),
    [
        ("P0", "critical"),
        ("P1", "critical"),
        ("P2", "error"),
        ("P3", "warning"),
        ("critical", "critical"),
        ("warning", "warning"),
        ("info", "info"),
    ],
)
def test_a_page_says_what_where_and_how_bad(runbook, severity, told):
    page = make_page(
        runbook(severity=severity),
        action="trigger",
        reason="step failed: Act",
        environment="production",
        hosts=["db1", "db2"],
        details={"a": 1},
        timestamp=NOON,
    )
    assert page == Page(
        action="trigger",
        dedup_key=dedup_key("RUN-001", "production", ["db1", "db2"]),
        summary="RUN-001 Disk is full (production): step failed: Act",
        severity=told,
        source="db1, db2",
        component="RUN-001",
        group="production",
        details={"a": 1},
        timestamp=NOON,
        hosts=("db1", "db2"),
    )


def test_without_a_host_the_page_comes_from_the_environment(runbook):
    page = make_page(
        runbook(), action="resolve", reason="resolved", environment="unknown", hosts=(), details={}, timestamp=NOON
    )
    assert (page.source, page.action) == ("unknown", "resolve")
