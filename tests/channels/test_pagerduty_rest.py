"""PagerDuty's REST API says how an incident stands, and a note is written once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from harness.fault_server import FaultServer
from harness.receivers import PagerDutyAccount
from pydantic import ValidationError

from runner.channels.base import Receipt, SecretMissingError
from runner.channels.inquiry import IncidentState, InquiryError
from runner.channels.pagerduty import PagerDuty
from runner.channels.pagerduty_rest import RestApi, note

KEY = "RUN-001/production/MON-005"
USER = {"id": "PUSER01", "type": "user_reference"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRETS = {"env:KEY": "k" * 32, "env:REST": "rest-1", "env:OLD": "rest-0"}.__getitem__
WRITTEN = {"routing_key": "env:KEY", "token": "env:REST", "from": "on-call@example.com"}


@pytest.fixture
def account():
    return PagerDutyAccount(alerts={KEY: "trigger"})


def channel(server, **changes):
    return PagerDuty.model_validate({**WRITTEN, "api": server.root, "url": server.url, **changes})


@pytest.mark.parametrize(
    ("action", "more", "state"),
    [
        ("trigger", {}, IncidentState("triggered", "", None, "")),
        (
            "acknowledge",
            {
                "html_url": "https://example.pagerduty.com/incidents/Q1",
                "acknowledgements": [{"at": "2026-03-01T12:00:00Z", "acknowledger": {**USER, "summary": "Ana\nPop"}}],
            },
            IncidentState("acknowledged", "Ana Pop", NOON, "https://example.pagerduty.com/incidents/Q1"),
        ),
        (
            "resolve",
            {"last_status_change_by": {**USER, "summary": "Bo"}, "last_status_change_at": "2026-03-01T12:00:00Z"},
            IncidentState("resolved", "Bo", NOON, ""),
        ),
    ],
)
def test_an_incident_stands_as_pagerduty_says(action, more, state, account):
    account.alerts[KEY], account.more = action, more
    with FaultServer("ok", service=account) as server:
        assert channel(server).incident(KEY, secrets=SECRETS) == state
        assert channel(server).incident("another", secrets=SECRETS) is None


def test_without_a_token_nobody_is_asked():
    alone = PagerDuty(routing_key="env:KEY")

    assert alone.incident(KEY, secrets=SECRETS) is None
    assert not alone.does("note")


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("404", "PagerDuty cannot be asked: answered 404"),
        ("500", "PagerDuty cannot be asked: answered 500"),
        ("html", "PagerDuty cannot be asked: answered 202, but not as PagerDuty does"),
    ],
)
def test_what_cannot_be_known_is_an_error_and_not_an_answer(mode, reason, transport):
    with FaultServer(mode) as server, pytest.raises(InquiryError) as error:
        RestApi(server.root, "rest-1", "a@example.com", transport).incident(KEY)

    assert error.value.message.startswith(reason)


def test_a_key_that_is_not_taken_says_how_to_mend_it_and_is_not_shown(account, page):
    with FaultServer("ok", service=account) as server:
        receipt = channel(server, token="env:OLD").send(replace(page, action="progress"), secrets=SECRETS)

    mend = "answered 401: Unauthorized: write a new API key to where the reference leads"
    assert receipt == Receipt("pagerduty", "refused", 1, mend)
    assert "rest-0" not in repr(RestApi("https://api.pagerduty.com", "rest-0", "a@example.com"))


def test_news_are_a_note_in_the_words_of_people_once_however_often_they_are_sent(account, page):
    progress = replace(page, action="progress", summary="3 of 5 steps are done")
    with FaultServer("ok", service=account) as server:
        receipts = [channel(server).send(progress, secrets=SECRETS) for _ in range(2)]

    assert [(each.status, each.reason) for each in receipts] == [
        ("accepted", "answered 200"),
        ("accepted", "it is there already"),
    ]
    [text] = account.all_notes
    assert text.startswith("3 of 5 steps are done (to add to an incident)\n\ntimeline:\n03:00 verify-alert passed\n\n")
    assert {each.headers["From"] for each in server.requests} == {"on-call@example.com"}


def test_a_hand_off_is_a_note_as_it_is_written_cut_to_what_a_note_may_have(account, page):
    hand_off = replace(page, action="note", details={"hand-off": "HAND-OFF RUN-001\n\nHOSTS\n  verified: db1\n" * 1000})
    with FaultServer("ok", service=account) as server:
        assert channel(server).send(hand_off, secrets=SECRETS).ok

    [text] = account.all_notes
    assert text.startswith(f"{page.summary}\n\nhand-off:\nHAND-OFF RUN-001\n\nHOSTS\n  verified: db1\nHAND-OFF")
    assert len(text) <= 25_000


def test_an_incident_that_is_not_there_yet_is_waited_for(account, page, transport):
    def slow(request):
        if len(server.requests) == 3:
            account.alerts[KEY] = "trigger"
        return account(request)

    account.alerts.clear()
    with FaultServer("ok", service=slow) as server:
        receipt = channel(server).send(replace(page, action="progress"), secrets=SECRETS, transport=transport)

    assert (receipt.status, receipt.attempts, len(account.all_notes)) == ("accepted", 3, 1)


def test_a_note_is_never_too_long(page):
    large = replace(page, details={"log": "line\n" * 100_000, "rows": [{"pid": 1}] * 10_000})

    assert 10_000 < len(note(large)) <= 20_000


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"token": "env:REST"}, "token and from belong together"),
        ({"from": "on-call@example.com"}, "token and from belong together"),
        ({"token": "env:REST", "from": "nobody"}, "pattern"),
    ],
)
def test_what_could_not_work_does_not_load(written, complaint):
    with pytest.raises(ValidationError, match=complaint):
        PagerDuty.model_validate({"routing_key": "env:KEY", **written})


def test_the_token_is_looked_for_before_it_is_needed():
    with pytest.raises(SecretMissingError, match="env:NO"):
        PagerDuty.model_validate({**WRITTEN, "token": "env:NO"}).check(SECRETS)
