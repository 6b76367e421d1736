"""PagerDuty is told what its API takes, within every limit, and its answer is believed only when it is PagerDuty's."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest
from harness.fault_server import OK, FaultServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_core.testing import MockRequest
from pydantic import ValidationError

from runner.channels.base import Receipt
from runner.channels.pagerduty import PagerDuty, change_event, event, shortened
from runner.channels.payload import to_json
from runner.channels.transport import Transport

ROUTING_KEY = "R0123456789abcdefghijklmnopqrstu"
SECRETS = {"env:PAGERDUTY_ROUTING_KEY": f"{ROUTING_KEY}\n", "env:SHORT": "abc123"}.__getitem__


def channel(url="https://events.pagerduty.com/v2/enqueue"):
    return PagerDuty(routing_key="env:PAGERDUTY_ROUTING_KEY", url=url)


def send(page, *modes, transport):
    with FaultServer(*modes) as server:
        receipt = channel(server.url).send(page, secrets=SECRETS, transport=transport)
    return receipt, server


def valid(told, specification):
    """Raises unless PagerDuty's specification allows the event; returns it as it was sent."""
    where = ("https://events.pagerduty.com", "post", "/v2/enqueue")
    specification.validate_request(MockRequest(*where, data=to_json(told), content_type="application/json"))
    return told


def within_limits(told):
    """Asserts what the specification leaves out (https://developer.pagerduty.com/docs/send-alert-event)."""
    assert len(to_json(told)) <= 512_000
    assert len(told["routing_key"]) == 32
    assert 1 <= len(told["dedup_key"]) <= 255
    if told["event_action"] == "trigger":
        assert 1 <= len(told["payload"]["summary"]) <= 1024
        assert told["payload"]["source"].strip()
        assert all(link["href"].startswith(("http://", "https://")) for link in told["links"])
    else:
        assert set(told) == {"routing_key", "event_action", "dedup_key"}


def test_a_trigger_says_everything(page, transport, specification):
    receipt, server = send(page, "ok", transport=transport)
    assert receipt == Receipt("pagerduty", "accepted", 1, "answered 202")
    assert [valid(told, specification) for told in server.events] == [
        {
            "routing_key": ROUTING_KEY,
            "event_action": "trigger",
            "dedup_key": "RUN-001/production/MON-005",
            "payload": {
                "summary": "RUN-001 Database connection pool exhaustion: terminate-stuck failed on db1",
                "source": "db1.example.com",
                "severity": "critical",
                "timestamp": "2026-03-01T03:00:05.123+00:00",
                "component": "RUN-001",
                "group": "production",
                "class": "runbook",
                "custom_details": {
                    "timeline": "03:00 verify-alert passed",
                    "stuck": "pid: 4711",
                    "audit_head": "9f86d081",
                },
            },
            "client": "runbookctl",
            "links": [{"href": "https://wiki.example.com/RUN-001", "text": "The runbook"}],
        }
    ]


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_what_follows_a_trigger_says_only_which_incident(action, page, transport, specification):
    receipt, server = send(replace(page, action=action), "ok", transport=transport)
    assert receipt.ok
    assert [valid(told, specification) for told in server.events] == [
        {"routing_key": ROUTING_KEY, "event_action": action, "dedup_key": "RUN-001/production/MON-005"}
    ]


def test_a_change_goes_to_its_own_address_and_opens_no_incident(page, transport):
    taken = ("202", {}, b'{"status":"success","message":"Change event processed"}')
    receipt, server = send(replace(page, action="change", summary="shop 2.4 is deployed"), taken, transport=transport)

    assert receipt == Receipt("pagerduty", "accepted", 1, "answered 202")
    assert [request.path for request in server.requests] == ["/v2/change/enqueue"]
    assert server.events == [
        {
            "routing_key": ROUTING_KEY,
            "payload": {
                "summary": "shop 2.4 is deployed",
                "source": "db1.example.com",
                "timestamp": "2026-03-01T03:00:05.123+00:00",
                "custom_details": {
                    "timeline": "03:00 verify-alert passed",
                    "stuck": "pid: 4711",
                    "audit_head": "9f86d081",
                },
            },
            "links": [{"href": "https://wiki.example.com/RUN-001", "text": "The runbook"}],
        }
    ]


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_change_is_valid_by_pagerdutys_specification(data, pages, specification):
    body = to_json(change_event(data.draw(pages), ROUTING_KEY))
    where = ("https://events.pagerduty.com", "post", "/v2/change/enqueue")
    specification.validate_request(MockRequest(*where, data=body, content_type="application/json"))
    assert len(body) <= 512_000


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("400", ("refused", 1, "answered 400: Event object is invalid; 'payload.source' is missing or blank")),
        ("408", ("deferred", 5, "answered 408{late}")),
        ("429", ("deferred", 5, "answered 429{late}")),
        ("500", ("deferred", 5, "answered 500{late}")),
        ("503", ("deferred", 5, "answered 503{late}")),
        ("rst", ("deferred", 5, "network error: Connection reset by peer{late}")),
        ("200", ("deferred", 5, "answered 200, but not as PagerDuty does: {doubt}{late}")),
        ("204", ("deferred", 5, "answered 204, but not as PagerDuty does: {doubt}{late}")),
        ("html", ("deferred", 5, "answered 202, but not as PagerDuty does: {doubt}{late}")),
        (("200", {}, OK), ("deferred", 5, "answered 200, but not as PagerDuty does: {doubt}{late}")),
        (("202", {}, OK[:-1]), ("deferred", 5, "answered 202, but not as PagerDuty does: {doubt}{late}")),
        (
            ("202", {}, b'{"status":"success"}'),
            ("deferred", 5, "answered 202, but not as PagerDuty does: {doubt}{late}"),
        ),
        (("202", {}, b'{"dedup_key":"k"}'), ("deferred", 5, "answered 202, but not as PagerDuty does: {doubt}{late}")),
        (("202", {}, b'["success"]'), ("deferred", 5, "answered 202, but not as PagerDuty does: {doubt}{late}")),
        ("deep", ("deferred", 5, "answered 202, but not as PagerDuty does: {doubt}{late}")),
        (
            "redir",
            ("refused", 1, "answered 302, a redirect, and redirects are never followed: write the final address"),
        ),
    ],
)
def test_what_goes_wrong_is_on_the_receipt(mode, expected, page, transport, late):
    status, attempts, reason = expected
    receipt, server = send(page, mode, transport=transport)
    doubt = "is a proxy or a captive portal in between?"
    assert receipt == Receipt("pagerduty", status, attempts, reason.format(late=late, doubt=doubt))
    assert len(server.requests) == attempts


@pytest.mark.parametrize("mode", ["slow", "drip", "drip-head"])
def test_a_server_that_takes_its_time_does_not_hold_the_operator(mode, page):
    receipt, _ = send(page, mode, transport=Transport(deadline=0.6, attempt=0.25))
    assert (receipt.status, receipt.reason[:16]) == ("deferred", "no answer within")
    assert receipt.attempts <= 2


def test_an_answer_that_is_lost_pages_once(page, transport):
    receipt, server = send(page, "accept_then_rst", "accept_then_rst", "ok", transport=transport)
    assert receipt == Receipt("pagerduty", "accepted", 3, "answered 202")
    assert len(server.accepted) == 3
    assert all(earlier == later for earlier, later in pairwise(server.bodies))
    assert {told["dedup_key"] for told in server.accepted} == {page.dedup_key}


def test_over_tls_with_a_certificate_nobody_vouches_for_no_key_is_sent(page, transport, tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with FaultServer("ok", tls=tls) as server:
        receipt = channel(server.url).send(page, secrets=SECRETS, transport=transport)
    assert (receipt.status, receipt.attempts, server.requests) == ("refused", 1, [])


def test_over_tls_with_a_trusted_certificate_the_page_arrives(page, transport, trusted_tls):
    with FaultServer("ok", tls=trusted_tls) as server:
        receipt = channel(server.url).send(page, secrets=SECRETS, transport=transport)
    assert receipt.ok
    assert server.accepted == [event(page, ROUTING_KEY)]


def test_a_missing_routing_key_says_how_to_mend_it(page):
    receipt = PagerDuty(routing_key="env:NO_SUCH_KEY").send(page, secrets=SECRETS)
    mend = "the secret env:NO_SUCH_KEY is missing or blank: set the environment variable NO_SUCH_KEY"
    assert receipt == Receipt("pagerduty", "refused", 0, mend)


def test_a_routing_key_of_the_wrong_length_is_refused_without_being_shown(page):
    receipt = PagerDuty(routing_key="env:SHORT").send(page, secrets=SECRETS)
    mend = "copy the Integration Key of the service's Events API v2 integration again"
    reason = f"env:SHORT has 6 characters, a PagerDuty routing key has 32: {mend}"
    assert receipt == Receipt("pagerduty", "refused", 0, reason)


def test_the_routing_key_is_shown_nowhere_even_when_the_other_side_repeats_it(page, transport):
    receipt, server = send(page, "echo", transport=transport)
    assert server.events[0]["routing_key"] == ROUTING_KEY
    assert receipt.status == "refused"
    assert "(the routing key)" in receipt.reason
    assert ROUTING_KEY not in receipt.reason
    assert ROUTING_KEY not in repr(channel())


def test_a_routing_key_written_into_the_file_is_refused_without_being_shown():
    with pytest.raises(ValidationError) as refused:
        PagerDuty(routing_key=ROUTING_KEY)
    assert "never the secret itself" in str(refused.value)
    assert ROUTING_KEY not in str(refused.value)


def test_the_world_is_reached_at_pagerduty_unless_the_contact_says_otherwise():
    assert PagerDuty(routing_key="env:A").url == "https://events.pagerduty.com/v2/enqueue"
    with pytest.raises(ValidationError, match="a page goes over https://"):
        channel("http://pagerduty.example.com/v2/enqueue")


@pytest.mark.parametrize("length", [1, 254, 255])
def test_a_dedup_key_that_fits_is_kept(length):
    assert shortened("k" * length) == "k" * length


def test_a_dedup_key_that_is_too_long_keeps_its_head_and_stays_apart_from_others():
    long = "RUN-001/" + "x" * 300
    assert shortened(long) == f"{long[:190]}#{sha256(long.encode()).hexdigest()}"
    assert len({shortened(long), shortened(long + "y"), shortened(long + "z")}) == 3


@pytest.mark.parametrize(
    ("summary", "told"),
    [
        ("s" * 1024, "s" * 1024),
        ("s" * 1025, "s" * 1023 + "…"),
        ("one\n  two", "one two"),
        ("", "(not given)"),
    ],
)
def test_a_summary_is_one_line_of_at_most_1024_characters(page, summary, told):
    assert event(replace(page, summary=summary), ROUTING_KEY)["payload"]["summary"] == told


def test_details_too_large_for_pagerduty_are_cut_with_a_note_and_the_audit_head_stays(page, transport):
    large = replace(page, details={"rows": ["é\x00" * 500] * 1000, "audit_head": "9f86d081"})
    receipt, server = send(large, "ok", transport=transport)
    details = server.events[0]["payload"]["custom_details"]
    assert receipt.ok
    assert 511_000 < len(server.bodies[0]) <= 512_000
    assert details["audit_head"] == "9f86d081"
    assert "[cut: too large to send; the run's record has all" in details["rows"]


def test_links_beyond_what_an_alert_shows_are_told_among_the_details(page):
    links = tuple((f"https://wiki.example.com/{number}", "") for number in range(11))
    told = event(replace(page, links=(("MON-005", "The monitor"), *links)), ROUTING_KEY)
    assert [link["href"] for link in told["links"]] == [href for href, _ in links[:10]]
    assert told["payload"]["custom_details"]["more links"] == "MON-005, The monitor\nhttps://wiki.example.com/10,"


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_page_is_within_the_limits_the_specification_leaves_out(data, pages):
    within_limits(event(data.draw(pages), ROUTING_KEY))


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_page_is_valid_by_pagerdutys_specification(data, pages, specification):
    valid(event(data.draw(pages), ROUTING_KEY), specification)


@pytest.mark.parametrize("broken", [{"event_action": "page"}, {"dedup_key": 1}, {"payload": {"summary": "s"}}])
def test_the_specification_would_notice(broken, page, specification):
    with pytest.raises(Exception, match=r"[Rr]equest body"):
        valid({**event(page, ROUTING_KEY), **broken}, specification)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=20)
def test_what_pagerduty_would_refuse_is_known_beforehand_and_no_page_has_any_of_it(data, pages):
    page = data.draw(pages)

    assert list(channel().problems(page)) == []
    assert list(channel().problems(replace(page, action="change"))) == []
