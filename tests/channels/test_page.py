"""A page knows its incident, fits into its room, and a secret is where its reference says or nowhere."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from runner.channels.base import Receipt, SecretMissingError, SecretReference, fit, refusal, reveal, to_json
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
    with pytest.raises(ValidationError, match="env:NAME or file:/path, never the secret itself"):
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
    expected = Receipt("webhook", "refused", 0, f"the secret {reference} is missing or blank: {mend}")
    assert refusal("webhook", missing.value) == expected


def test_details_that_fit_are_left_alone():
    details = {"timeline": ["03:00", "03:01"], "stuck": [{"pid": 1, "idle": 2.5, "user": None}], "done": True}
    assert fit(details, 1000) == details


def test_the_largest_details_are_cut_first_and_say_so():
    details = {"audit_head": "9f86d081", "rows": [{"pid": 1}] * 1000, "log": "x" * 20_000, "timeline": ["03:00"]}
    fitted = fit(details, 4000)
    assert (fitted["audit_head"], fitted["timeline"]) == ("9f86d081", ["03:00"])
    assert fitted["log"].startswith("x" * 1000)
    assert fitted["log"].endswith(" … [cut: too large to send; the run's record has all 20,000 characters]")
    assert fitted["rows"].startswith('[{"pid":1},')
    assert fitted["rows"].endswith(" … [cut: too large to send; the run's record has all 10,001 characters]")
    assert 3800 < len(to_json(fitted)) <= 4000


def test_so_many_details_that_none_could_be_read_become_one_text():
    fitted = fit({f"name{number}": "value" for number in range(10_000)}, 5000)
    assert list(fitted) == ["details"]
    assert fitted["details"].startswith('{"name0":"value","name1":"value"')
    assert len(to_json(fitted)) <= 5000


def test_what_is_no_json_is_told_as_text():
    moment = datetime(2026, 3, 1, 12)  # noqa: DTZ001 - only its text matters
    assert fit({"a": float("nan"), "b": moment, 3: {4: (5,)}}, 1000) == {
        "a": "nan",
        "b": "2026-03-01 12:00:00",
        "3": {"4": [5]},
    }


def test_what_is_nested_without_end_is_cut():
    endless: list[object] = []
    endless.append(endless)
    assert b"nested deeper than 16 levels" in to_json(fit({"endless": endless}, 10_000))


@given(
    st.dictionaries(st.text(st.characters()), st.text(st.characters(), max_size=2000) | st.floats()), st.integers(200)
)
def test_details_fit_into_any_room(details, room):
    encoded = to_json(fit(details, room))
    assert len(encoded) <= room
    assert isinstance(json.loads(encoded), dict)
