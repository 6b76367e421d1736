"""When somebody is called, and whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.fakes import runbook_file
from harness.runbook_files import read_runbook
from hypothesis import given
from hypothesis import strategies as st

from runner.channels.base import Page
from runner.escalation.policy import dedup_key, make_page, patience, reason_to_call
from runner.kinds.verifications.confirm import Confirm
from runner.model.runbook import Declared, Escalation, Unresolved
from runner.model.step import Step
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


def step(on_failure):
    return Step(id="a", name="Act", action=None, verify=(FINE,), on_failure=on_failure)


def policy(*when):
    return Escalation(when=when, contacts=("on-call",), provide=("timeline",))


@pytest.mark.parametrize(
    ("when", "failed", "declared", "reason"),
    [
        ((STEP_FAILED,), [], None, "the log is full"),
        ((STEP_FAILED,), ["escalate"], None, "step failed: Act"),
        ((STEP_FAILED,), ["continue"], None, "step failed: Act"),
        ((STEP_FAILED,), ["undo"], None, "step failed: Act"),
        ((FIVE, DECLARED), [], None, None),
        ((FIVE, DECLARED), ["escalate"], None, None),
        ((FIVE,), [], "Too much", "declared: Too much"),
        ((STEP_FAILED,), ["stop"], "Too much", "declared: Too much"),
    ],
)
def test_when_somebody_is_called(when, failed, declared, reason):
    assert reason_to_call(policy(*when), [*map(step, failed)], declared, "the log is full") == reason
    assert failed or declared or reason_to_call(policy(*when), [], None) is None


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
    )


def test_without_a_host_the_page_comes_from_the_environment(runbook):
    page = make_page(
        runbook(), action="resolve", reason="resolved", environment="unknown", hosts=(), details={}, timestamp=NOON
    )
    assert (page.source, page.action) == ("unknown", "resolve")
