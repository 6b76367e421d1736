"""Every event is valid by the contracts beside this file, and these say what PagerDuty's own description says.

`RUNBOOK_TEST_PAGES` is how many pages are generated.
"""

from __future__ import annotations

import os

import pytest
from harness.fakes import runbook_file
from harness.fault_server import FaultServer
from harness.pagerduty_contract import contract, faults
from harness.runbook_files import read_runbook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.channels.exchange import WebRequest
from runner.channels.pagerduty import change_event, event
from runner.channels.payload import to_json
from runner.channels.transport import Transport
from runner.escalation.policy import make_page

ROUTING_KEY = "R0123456789abcdefghijklmnopqrstu"
GENEROUS = settings(
    suppress_health_check=[HealthCheck.too_slow],
    deadline=None,
    max_examples=int(os.environ.get("RUNBOOK_TEST_PAGES", "50")),
)


@given(data=st.data())
@GENEROUS
def test_every_page_becomes_an_event_of_the_contract(data, pages):
    page = data.draw(pages)

    assert faults(to_json(event(page, ROUTING_KEY))) == []
    assert faults(to_json(change_event(page, ROUTING_KEY)), "/v2/change/enqueue") == []


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
@GENEROUS
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
        {"client": "x" * 512_000},
    ],
)
def test_the_contract_notices(broken, page):
    assert len(faults(to_json({**event(page, ROUTING_KEY), **broken}))) == 1


@pytest.mark.parametrize("path", ["/enqueue", "/change/enqueue"])
def test_the_contract_has_the_fields_and_words_of_pagerdutys_description(path, specification):
    root = specification.spec
    body = root / "paths" / path / "post" / "requestBody" / "content" / "application/json" / "schema"
    theirs = published(body.read_value(), root.read_value())

    assert outline(contract(f"/v2{path}")) == outline(theirs)


def test_an_event_that_a_test_sends_and_pagerduty_would_refuse_fails_that_test(page):
    with pytest.raises(AssertionError, match="PagerDuty would refuse"), FaultServer("ok") as server:
        Transport().send("c", WebRequest(server.url, to_json(event(page, "short"))))


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
