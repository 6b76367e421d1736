"""An exchange shows nothing of itself, and reads how long the other side asks to wait."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.channels.exchange import HttpAnswer, WebRequest, retry_after

NOON = "Sun, 01 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        (None, NOON, 0.0),
        ("", NOON, 0.0),
        ("7", None, 7.0),
        (" 7 ", None, 7.0),
        ("-7", None, 0.0),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None, 0.0),
        ("9" * 400, None, float("inf")),
        ("Sun, 01 Mar 2026 12:00:05 GMT", NOON, 5.0),
        ("Sun, 01 Mar 2026 11:59:00 GMT", NOON, 0.0),
        ("Sun, 01 Mar 2026 12:00:05 GMT", None, 0.0),
        ("Sun, 01 Mar 2026 12:00:05 -0000", NOON, 0.0),
        ("soon", NOON, 0.0),
    ],
)
def test_retry_after(value, date, seconds):
    assert retry_after(value, date) == seconds


@given(st.text(), st.text())
def test_no_retry_after_is_too_strange(value, date):
    assert retry_after(value, date) >= 0


def test_a_request_shows_nothing_of_itself():
    assert (
        repr(WebRequest("https://hooks.example.com/secret", b"secret", {"A": "secret"})) == "WebRequest(method='POST')"
    )


@pytest.mark.parametrize(
    ("body", "content"),
    [(b'{"ok":true}', {"ok": True}), (b"[1]", {}), (b"<html>", {}), (b"[" * 60_000, {}), (b"\xff", {})],
)
def test_what_is_no_json_object_has_no_content(body, content):
    assert HttpAnswer(200, body).content == content
