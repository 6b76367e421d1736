"""A page knows its incident, fits into its room, and a secret is where its reference says or nowhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from runner.channels.base import (
    Channel,
    Patience,
    Receipt,
    SecretMissingError,
    SecretReference,
    deliver,
    reveal,
)
from runner.core.errors import ExitCode, RunbookError

REFERENCE = TypeAdapter(SecretReference)


def absent(error):
    def secrets(reference):
        raise error

    return secrets


@pytest.mark.parametrize("dedup_key", ["", "  \n"])
def test_a_page_without_a_dedup_key_can_not_be_made(page, dedup_key):
    with pytest.raises(ValueError, match="dedup key"):
        replace(page, dedup_key=dedup_key)


def test_a_page_whose_time_could_mean_anything_can_not_be_made(page):
    with pytest.raises(ValueError, match="time zone"):
        replace(page, timestamp=datetime(2026, 3, 1))  # noqa: DTZ001 - the point


@pytest.mark.parametrize(("status", "ok"), [("accepted", True), ("refused", False), ("deferred", False)])
def test_only_an_accepted_page_is_all_right(status, ok):
    assert Receipt("pagerduty", status, 1, "").ok is ok


@pytest.mark.parametrize("reference", ["env:PAGERDUTY_ROUTING_KEY", "env:_a1", "file:/run/secrets/key"])
def test_a_reference_says_where_a_secret_is(reference):
    assert REFERENCE.validate_python(reference) == reference


@pytest.mark.parametrize("text", ["R" * 32, "env:", "env:1A", "env:A B", "file:relative", "file:/a\n", "vault:x", ""])
def test_a_secret_in_place_of_its_reference_is_refused(text):
    with pytest.raises(ValidationError, match="env:NAME or file:/path or as an input has it, never the secret itself"):
        REFERENCE.validate_python(text)


def test_a_secret_comes_without_the_white_space_around_it():
    assert reveal("file:/key", {"file:/key": " s3cret\n"}.__getitem__) == "s3cret"


@pytest.mark.parametrize(
    "secrets",
    [
        absent(KeyError("HOOK")),
        absent(PermissionError("HOOK")),
        absent(RunbookError("no such variable")),
        absent(UnicodeDecodeError("utf-8", b"s3cret\xff", 6, 7, "invalid")),
        lambda reference: " \n",
    ],
)
@pytest.mark.parametrize(
    ("reference", "mend"),
    [
        ("env:HOOK", "set the environment variable HOOK"),
        ("file:/k", "write the secret to /k, readable by you"),
    ],
)
def test_a_missing_secret_says_how_to_mend_it_and_quotes_nothing(secrets, reference, mend):
    with pytest.raises(SecretMissingError) as missing:
        reveal(reference, secrets)
    assert (missing.value.message, missing.value.hint) == (f"the secret {reference} is missing or blank", mend)
    assert missing.value.exit_code is ExitCode.PAGING
    assert missing.value.__context__ is None


class Bell(Channel):
    key = "bell"

    broken: bool = False

    def send(self, page, *, secrets):
        if self.broken:
            raise ZeroDivisionError(secrets("env:KEY"))
        return Receipt(self.key, "accepted", 1, page.action)


@pytest.mark.parametrize(
    ("action", "receipt"),
    [
        ("trigger", Receipt("bell", "accepted", 1, "trigger")),
        ("resolve", Receipt("bell", "accepted", 1, "resolve")),
        ("progress", Receipt("bell", "skipped", 0, "bell has no way to add to an incident", sent=False)),
        ("ticket", Receipt("bell", "skipped", 0, "bell has no way to open a ticket", sent=False)),
    ],
)
def test_what_a_channel_cannot_do_is_skipped_by_name_and_is_no_fault(action, receipt, page):
    result = deliver(Bell(), replace(page, action=action), lambda reference: "", Patience(8.0))

    assert result == receipt
    assert result.settled


def test_a_defect_of_a_channel_is_a_receipt_that_shows_no_secret(page):
    receipt = deliver(Bell(broken=True), page, lambda reference: "s3cret", Patience(8.0))

    assert receipt == Receipt("bell", "deferred", 1, "a defect of this channel (ZeroDivisionError)")
    assert not receipt.settled


def test_a_page_has_the_same_name_each_time_and_finds_what_earlier_receipts_refer_to(page):
    later = replace(page, id="outbox-7", references=("slack/C1/1.0", "issue/7", "slack/C1/2.0"))

    assert (page.identity, later.identity) == (
        "RUN-001/production/MON-005/trigger/20260301T030005.123000Z-907506c7",
        "outbox-7",
    )
    assert [later.reference(prefix) for prefix in ("slack/C1/", "issue/", "mail/")] == ["2.0", "7", ""]
