"""When somebody is called, whom, and with what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from harness.fakes import runbook_file
from hypothesis import given
from hypothesis import strategies as st

from runner.channels.base import Page, Receipt
from runner.channels.webhook import Webhook
from runner.core.events import Event, EventType, Outcome
from runner.escalation.policy import SentPage, dedup_key, make_page, packet, patience, reason_to_call, tell
from runner.kinds.verifications.confirm import Confirm
from runner.model.contacts import Contact
from runner.model.reader import read_runbook
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


HISTORY = [
    (NOON, Event(EventType.RUN_STARTED, RUN, data={"inputs": {"version": "1.5.1"}})),
    (NOON + timedelta(seconds=1), Event(EventType.STEP_INTENDED, RUN, "act", "db1")),
    (
        NOON + timedelta(seconds=2),
        Event(EventType.ACTION_FINISHED, RUN, "act", "db1", {"part": "action", "outcome": "passed"}),
    ),
    (
        NOON + timedelta(seconds=3),
        Event(
            EventType.VERIFICATION_FINISHED,
            RUN,
            "act",
            "db1",
            {"part": "verify/1", "outcome": Outcome.FAILED, "reason": "row.a < 7 is not true", "trend": ["9", "8"]},
        ),
    ),
    (
        NOON + timedelta(seconds=4),
        Event(EventType.GATE_ANSWERED, RUN, "ask", None, {"outcome": "aborted", "by": "alice", "note": "no"}),
    ),
]
FAILED = "12:00:03 checked act on db1: failed, row.a < 7 is not true"
ANSWERED = "12:00:04 answered ask: aborted, alice, no"
CAPTURED = {"db1": {"stuck": [1, 2], "actions": "of the runbook"}, "db2": {"stuck": [3]}}


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("timeline", ["12:00:00 run started", "12:00:01 began act on db1", FAILED, ANSWERED]),
        ("Timeline (UTC)", ["12:00:00 run started", "12:00:01 began act on db1", FAILED, ANSWERED]),
        ("failure mode", [FAILED, ANSWERED]),
        ("connection trend", [{"step": "act", "host": "db1", "saw": ["9", "8"]}]),
        ("stuck sessions", {"db1": [1, 2], "db2": [3]}),
        ("stuck", {"db1": [1, 2], "db2": [3]}),
        ("version deployed", "1.5.1"),
        ("actions taken", {"db1": "of the runbook"}),
        ("logs from elsewhere", "not known to this run; ask the operator"),
    ],
)
def test_the_packet_has_what_the_runbook_promises_under_the_words_it_promised(runbook, label, value):
    assert packet(runbook(label), HISTORY, CAPTURED) == {label: value}


def test_the_actions_are_what_was_begun_ended_and_answered(runbook):
    assert packet(runbook("actions"), HISTORY, {}) == {"actions": ["12:00:01 began act on db1", ANSWERED]}


def test_a_run_that_did_nothing_has_a_packet_too(runbook):
    assert packet(runbook("timeline", "version", "trend"), [], {}) == {
        "timeline": [],
        "version": "not known to this run; ask the operator",
        "trend": [],
    }


def test_everybody_is_told_through_everything_there_is():
    # Given one who has two ways, one who has none, and one whom nobody knows
    channel = Webhook(url="http://127.0.0.1:9/", headers={"X-Key": "env:NO_SUCH_SECRET"})
    contacts = {"a": Contact(name="A", channels=(channel, channel)), "b": Contact(name="B")}
    page = Page(
        action="trigger",
        dedup_key="x",
        summary="x",
        severity="info",
        source="x",
        component="x",
        group="x",
        details={},
        timestamp=NOON,
    )

    def secrets(reference):
        raise LookupError(reference)

    # When they are told
    told = tell(page, contacts, ["a", "b", "c"], secrets)
    # Then each has a receipt for each way, and whoever has none is said not to have been reached
    nobody = Receipt("none", "refused", 0, "this contact has no channel in contacts.yml")
    assert [(each.contact, each.receipt.channel, each.receipt.status) for each in told[:2]] == [
        ("a", "webhook", "refused")
    ] * 2
    assert told[2:] == [SentPage("b", nobody), SentPage("c", nobody)]
