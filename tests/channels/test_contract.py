"""Every event is valid by the contract in events_v2.schema.json, and that says what PagerDuty's own description says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness.fakes import runbook_file
from harness.runbook_files import read_runbook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from runner.channels.pagerduty import event
from runner.channels.payload import to_json
from runner.escalation.policy import make_page

CONTRACT = json.loads((Path(__file__).parent / "events_v2.schema.json").read_text())
CHECK = Draft202012Validator(CONTRACT, format_checker=Draft202012Validator.FORMAT_CHECKER)
ROUTING_KEY = "R0123456789abcdefghijklmnopqrstu"
LARGEST = 512_000


def faults(body):
    """What PagerDuty would refuse in the bytes that are sent."""
    return [fault.message for fault in CHECK.iter_errors(json.loads(body))] + ["too large"] * (len(body) > LARGEST)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_page_becomes_an_event_of_the_contract(data, pages):
    assert faults(to_json(event(data.draw(pages), ROUTING_KEY))) == []


TEXTS = st.text() | st.sampled_from(
    ["a\nb", "\x1b[2J\x1b]0;x\x07", "\U0001f525" * 400, "s" * 5_000, " ", "", "hunter2!"]
)


@pytest.fixture(scope="module")
def runbook(tmp_path_factory):
    return read_runbook(runbook_file(tmp_path_factory.mktemp("library")))


@given(
    action=st.sampled_from(["trigger", "resolve"]),
    reason=TEXTS,
    environment=TEXTS,
    hosts=st.lists(TEXTS, max_size=30),
    details=st.dictionaries(TEXTS, st.recursive(TEXTS | st.floats(), st.lists), max_size=4),
    timestamp=st.datetimes(timezones=st.timezones()),
)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_every_escalation_becomes_an_event_of_the_contract(runbook, **told):
    assert faults(to_json(event(make_page(runbook, **told), ROUTING_KEY))) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"event_action": "page"},
        {"dedup_key": "k" * 256},
        {"routing_key": "short"},
        {"payload": {"summary": "s" * 1025, "severity": "info", "source": "here"}},
        {"payload": {"summary": "s", "severity": "P1", "source": "here"}},
        {"payload": {"summary": " ", "severity": "info", "source": "here"}},
        {"links": [{"href": "MON-001"}]},
        {"severity": "info"},
        {"client": "x" * LARGEST},
    ],
)
def test_the_contract_notices(broken, page):
    assert len(faults(to_json({**event(page, ROUTING_KEY), **broken}))) == 1


def test_the_contract_has_the_fields_and_words_of_pagerdutys_description(specification):
    root = specification.spec
    body = root / "paths" / "/enqueue" / "post" / "requestBody" / "content" / "application/json" / "schema"
    theirs = published(body.read_value(), root.read_value())

    assert outline(CONTRACT) == outline(theirs)


def published(schema, root):
    """The schema with each reference replaced by what it names."""
    if isinstance(schema, list):
        return [published(each, root) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return published(root["components"]["schemas"][schema["$ref"].rpartition("/")[2]], root)
    return {key: published(value, root) for key, value in schema.items()}


def outline(schema):
    """Fields, which of them are required, types and words that are allowed."""
    inner = {name: outline(each) for name, each in schema.get("properties", {}).items()}
    items = [outline(schema["items"])] if "items" in schema else []
    return schema.get("type"), sorted(schema.get("required", [])), sorted(schema.get("enum", [])), inner, items
