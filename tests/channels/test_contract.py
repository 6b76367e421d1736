"""Every event is valid by the contracts beside this file, and these say what PagerDuty's own description says.

`RUNBOOK_TEST_PAGES` is how many pages are generated.
"""

from __future__ import annotations

import json
import os

import pytest
from harness import ROOT
from harness.fakes import runbook_file
from harness.fault_server import FaultServer, Request
from harness.pagerduty_contract import REST, contract, faults, rest_faults
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


def rest_request(**changes):
    path, method, body = "/incidents?incident_key=k&date_range=all&sort_by=created_at%3Adesc&limit=1", "GET", b""
    headers = {
        "Accept": "application/vnd.pagerduty+json;version=2",
        "Authorization": "Token token=rest-1",
        "Content-Type": "application/json",
        "From": "on-call@example.com",
    }
    return Request(
        **{"path": path, "headers": headers, "body": body, "mode": "ok", "method": method, **changes},
    )


NOTE = {"path": "/incidents/Q1/notes", "method": "POST"}
INCIDENT = {"id": "Q1", "type": "incident", "status": "triggered"}


def answer(status, content):
    return status, json.dumps(content).encode()


@pytest.mark.parametrize(
    ("request_", "answered", "notices"),
    [
        (rest_request(), answer(200, {"incidents": [INCIDENT]}), ""),
        (rest_request(), answer(429, {"error": {"message": "Rate limit exceeded", "code": 2020}}), ""),
        (rest_request(**NOTE, body=b'{"note":{"content":"x"}}'), answer(200, {"note": {"content": "x"}}), ""),
        (rest_request(path="/incidents?incident_key=k&limit=101"), None, "101"),
        (rest_request(path="/incidents?incident_key=k&sort_by=status"), None, "sort_by"),
        (rest_request(path="/incidents?incident_key=k&dedup_key=k"), None, "the query has no dedup_key"),
        (rest_request(path="/incidents?limit=1"), None, "incident_key"),
        (rest_request(headers={"Authorization": "Token token=rest-1"}), None, "Accept"),
        (rest_request(path="/incident"), None, "not found"),
        (rest_request(**NOTE, body=b'{"note":{"text":"x"}}'), None, "content"),
        (rest_request(**NOTE, body=json.dumps({"note": {"content": "x" * 25_001}}).encode()), None, "too long"),
        (rest_request(), answer(200, {"incidents": [{**INCIDENT, "status": "open"}]}), "'open' is not one of"),
        (rest_request(), answer(200, {"incidents": [{"status": "resolved"}]}), "'id' is a required"),
        (rest_request(), answer(200, {}), "'incidents' is a required"),
    ],
)
def test_the_contract_of_the_rest_api_notices(request_, answered, notices):
    found = "; ".join(rest_faults(request_, answered))

    assert notices in found
    assert bool(found) == bool(notices)


def test_a_request_that_a_test_sends_and_the_rest_api_would_refuse_fails_that_test():
    request_ = rest_request()
    service = lambda _: answer(200, {"incidents": [INCIDENT]})  # noqa: E731
    with pytest.raises(AssertionError, match="PagerDuty would refuse"), FaultServer("ok", service=service) as server:
        Transport().send("c", WebRequest(f"{server.root}/incidents?key=k", None, request_.headers, method="GET"))


METHODS = ("get", "post")


def test_the_contract_of_the_rest_api_has_the_names_and_words_of_pagerdutys_description(rest_specification):
    ours = json.loads((ROOT / "tests" / "channels" / REST).read_text())

    for path, item in ours["paths"].items():
        for method in item.keys() & METHODS:
            mine, theirs = operation(ours, path, method), operation(rest_specification, path, method)
            assert mine["names"] <= theirs["names"]
            assert theirs["required"] <= mine["names"]
            for part in ("request", "answer"):
                assert unknown(mine[part], ours, [theirs[part]], rest_specification) == []


def operation(document, path, method):
    """The names of its parameters, which of them are required, and the schemas of what is sent and answered."""
    item = document["paths"][path]
    every = [resolved(each, document) for each in [*item.get("parameters", []), *item[method].get("parameters", [])]]
    sent, answered = item[method].get("requestBody", {}), item[method]["responses"]["200"]
    schemas = [
        resolved(each, document).get("content", {}).get("application/json", {}).get("schema", {})
        for each in (sent, answered)
    ]
    required = {each["name"] for each in every if each.get("required")}
    return {
        "names": {each["name"] for each in every},
        "required": required,
        **dict(zip(("request", "answer"), schemas, strict=True)),
    }


def resolved(value, document):
    """What `value` refers to, where it is a reference."""
    while "$ref" in value:
        target = document
        for key in value["$ref"].split("/")[1:]:
            target = target[int(key)] if isinstance(target, list) else target[key.replace("~1", "/")]
        value = target
    return value


def alternatives(schemas, document):
    """Every schema that a value by one of `schemas` may be by as well."""
    for schema in (resolved(each, document) for each in schemas):
        yield schema
        yield from alternatives([each for key in ("allOf", "oneOf", "anyOf") for each in schema.get(key, ())], document)


def unknown(mine, ours, theirs, document, where=""):
    """The fields and words of our schema `mine` that none of `theirs` has."""
    mine, known = resolved(mine, ours), list(alternatives(theirs, document))
    words = set(mine.get("enum", ())) ^ {word for each in known for word in each.get("enum", ()) if "enum" in mine}
    found = [f"{where}: {words}"] if words else []
    for name, inner in {**mine.get("properties", {}), **({"[]": mine["items"]} if "items" in mine else {})}.items():
        there = [
            each.get("properties", {}).get(name) or (each.get("items") if name == "[]" else None) for each in known
        ]
        there = [each for each in there if each is not None]
        more = unknown(inner, ours, there, document, f"{where}/{name}")
        found += more if there else [f"{where}/{name}"]
    return found


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
