"""A webhook gets the page as a CloudEvent that it can tell from its repetition, with the headers it asks for."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from dataclasses import replace

import pytest
from harness.fault_server import FaultServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from runner.channels.base import Receipt, SecretMissingError
from runner.channels.payload import to_json
from runner.channels.transport import Transport
from runner.channels.webhook import Webhook, envelope, signature

TOKEN = "Bearer s3cret"
SECRETS = {"env:HOOK_TOKEN": f"{TOKEN}\n", "env:TWO_LINES": "s3cret\nX-Other: 1", "env:ACCENT": "s3crèt"}.__getitem__


def send(page, *modes, transport, reference="env:HOOK_TOKEN"):
    with FaultServer(*modes) as server:
        channel = Webhook(url=server.url, headers={"Authorization": reference})
        receipt = channel.send(page, secrets=SECRETS, transport=transport)
    return receipt, server


def test_the_page_arrives_as_a_cloud_event(page, transport):
    receipt, server = send(page, "204", transport=transport)
    assert receipt == Receipt("webhook", "accepted", 1, "answered 204")
    assert server.requests[0].headers["Authorization"] == TOKEN
    assert server.requests[0].headers["Content-Type"] == "application/json"
    assert server.events == [
        {
            "specversion": "1.0",
            "id": "RUN-001/production/MON-005/trigger/20260301T030005.123000Z-907506c7",
            "source": "db1.example.com",
            "type": "runbook.page.trigger",
            "time": "2026-03-01T03:00:05.123+00:00",
            "datacontenttype": "application/json",
            "data": {
                "action": "trigger",
                "dedup_key": "RUN-001/production/MON-005",
                "summary": "RUN-001 Database connection pool exhaustion: terminate-stuck failed on db1",
                "severity": "critical",
                "source": "db1.example.com",
                "component": "RUN-001",
                "group": "production",
                "details": {
                    "timeline": ["03:00 verify-alert passed"],
                    "stuck": [{"pid": 4711}],
                    "audit_head": "9f86d081",
                },
                "links": [{"href": "https://wiki.example.com/RUN-001", "text": "The runbook"}],
            },
        }
    ]


def test_a_resolve_is_another_event_of_the_same_incident(page):
    told = envelope(replace(page, action="resolve"))
    assert (told["id"], told["type"]) == (
        "RUN-001/production/MON-005/resolve/20260301T030005.123000Z-907506c7",
        "runbook.page.resolve",
    )


def test_a_repetition_can_be_told_from_a_second_page(page, transport):
    receipt, server = send(page, "accept_then_rst", "503", "ok", transport=transport)
    assert receipt == Receipt("webhook", "accepted", 3, "answered 202")
    assert {told["id"] for told in server.events} == {
        "RUN-001/production/MON-005/trigger/20260301T030005.123000Z-907506c7"
    }


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("html", ("accepted", 1, "answered 202")),
        ("404", ("refused", 1, "answered 404")),
        ("echo", ("refused", 1, "answered 400")),
        (
            "redir",
            ("refused", 1, "answered 302, a redirect, and redirects are never followed: write the final address"),
        ),
        ("500", ("deferred", 5, "answered 500{late}")),
        ("rst", ("deferred", 5, "network error: Connection reset by peer{late}")),
    ],
)
def test_the_answer_is_on_the_receipt(mode, expected, page, transport, late):
    status, attempts, reason = expected
    receipt, _ = send(page, mode, transport=transport)
    assert receipt == Receipt("webhook", status, attempts, reason.format(late=late))


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("env:NOWHERE", "the secret env:NOWHERE is missing or blank: set the environment variable NOWHERE"),
        ("env:TWO_LINES", "env:TWO_LINES cannot stand in a header: it must be one line of printable ASCII"),
        ("env:ACCENT", "env:ACCENT cannot stand in a header: it must be one line of printable ASCII"),
    ],
)
def test_a_secret_that_is_missing_or_broken_is_named_and_not_shown(reference, reason, page, transport):
    receipt, server = send(page, "ok", transport=transport, reference=reference)
    assert receipt == Receipt("webhook", "refused", 0, reason)
    assert server.requests == []


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({"headers": {"Authorization": TOKEN}}, "never the secret itself"),
        ({"headers": {"Content-Type": "env:A"}}, "the header Content-Type is set by runbookctl itself"),
        ({"headers": {"Webhook-Id": "env:A"}}, "the header Webhook-Id is set by runbookctl itself"),
        ({"headers": {"host": "env:A"}}, "the header host is set by runbookctl itself"),
        ({"headers": {"X: y\r\n": "env:A"}}, "letters, digits and dashes"),
        ({"url": "http://hooks.example.com/"}, "a page goes over https://"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_what_could_not_work_does_not_load(written, complaint):
    with pytest.raises(ValidationError, match=complaint) as refused:
        Webhook.model_validate({"url": "https://hooks.example.com/", **written})
    assert "s3cret" not in str(refused.value)


def test_a_webhook_needs_no_headers():
    assert Webhook(url="https://hooks.example.com/").headers == {}


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_page_is_a_cloud_event_that_is_not_too_large(data, pages):
    page = replace(
        data.draw(pages),
        summary="Too long ones are the sender's own fault",
        links=(),
        dedup_key="k",
        component="RUN-001",
    )
    body = to_json(envelope(page))
    told = json.loads(body)
    assert all(told[name] for name in ("specversion", "id", "source", "type", "time"))
    assert len(body) <= 512_000


KEY = bytes(range(32))
SIGNING = {
    "env:KEY": f"whsec_{b64encode(KEY).decode()}",
    "env:TEXT": "a text that is long enough to sign with",
    "env:SHORT": "whsec_c2hvcnQ=",
    "env:BROKEN": "whsec_?",
}.__getitem__


@pytest.mark.parametrize(
    ("reference", "key"), [("env:KEY", KEY), ("env:TEXT", b"a text that is long enough to sign with")]
)
def test_a_signed_page_can_be_verified_and_each_attempt_has_its_own_time(reference, key, page):
    times = iter([1_772_334_005.9, 1_772_334_006.1])
    transport = Transport(sleep=lambda seconds: None, now=lambda: next(times))
    with FaultServer("503", "ok") as server:
        receipt = Webhook(url=server.url, signing_key=reference).send(page, secrets=SIGNING, transport=transport)

    assert receipt.ok
    for request, seconds in zip(server.requests, ["1772334005", "1772334006"], strict=True):
        signed = (
            b"RUN-001/production/MON-005/trigger/20260301T030005.123000Z-907506c7."
            + seconds.encode()
            + b"."
            + request.body
        )
        assert {name: request.headers[name] for name in request.headers if name.startswith("webhook-")} == {
            "webhook-id": "RUN-001/production/MON-005/trigger/20260301T030005.123000Z-907506c7",
            "webhook-timestamp": seconds,
            "webhook-signature": "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode(),
        }


@pytest.mark.parametrize("reference", ["env:SHORT", "env:BROKEN"])
def test_a_key_that_is_too_short_signs_nothing(reference, page, transport):
    channel = Webhook(url="https://hooks.example.com/", signing_key=reference)
    mend = "it must be whsec_ and Base64, or a text, of at least 24 bytes"

    receipt = channel.send(page, secrets=SIGNING, transport=transport)

    assert receipt == Receipt("webhook", "refused", 0, f"{reference} is no key to sign with: {mend}")
    with pytest.raises(SecretMissingError):
        channel.check(SIGNING)


@given(st.text(min_size=1))
def test_any_name_of_a_page_can_stand_in_a_header(identity):
    value = signature(KEY, identity, 0, b"")["webhook-id"]

    assert value.isascii()
    assert value.isprintable()
