"""The schemas say what the reader says: nothing valid is refused, and nothing of the wrong shape gets past an editor."""

from __future__ import annotations

import copy
import functools
import importlib.util
import json

import pytest
import yaml
from harness import ROOT, TESTS
from harness.runbook_files import read_runbook
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from runner.library.schema.field_help import DESCRIPTIONS
from runner.library.schema.json_schema import SCHEMAS
from runner.model.contacts import read_contacts
from runner.model.reader import to_runbook
from runner.model.yaml.document import load
from runner.model.yaml.finding import InvalidFileError

# The faults that the reader is tested with are those that the schema is tested with.
_SPEC = importlib.util.spec_from_file_location("read_faults", TESTS / "model" / "test_reader_faults.py")
read_faults = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(read_faults)

SHIPPED = [*ROOT.glob("runbooks/RUN-*.yml"), *ROOT.glob("benchmarks/runbooks/RUN-*.yml")]
GOLDEN = [*ROOT.glob("tests/*/*/runbooks/RUN-*.yml")]
CONTACTS = [path for place in ("", "benchmarks/", "tests/*/*/") for path in ROOT.glob(f"{place}runbooks/contacts.yml")]
SEMANTIC = {
    *(
        "wrong-value",
        "wrong-verification",
        "wrong-undo",
        "wrong-retry",
        "wrong-on-cancel",
        "wrong-hand-over",
        "wrong-on",
    ),
    *("duplicate-id", "duplicate-name", "unknown-input", "unknown-name", "no-undo", "no-result"),
    *("secret-in-arguments", "secret-kept", "secret-told", "input-in-shell", "captured-in-shell"),
    "undefined-placeholder",
}
"""Rules of the reader about what a value means and how values stand to each other, which no schema can say."""

# Every shorter spelling that the reader takes, in one runbook.
SHORT = """\
id: RUN-001
title: Short spellings
category: maintenance
severity: info
owner: backend-team
trigger: {event: Friday}
scope: {handles: [One], excludes: [Two, {what: Three, see: RUN-009}]}
hosts: all
serial: 25%
inputs: {watch: {type: duration, default: 5m, help: How long}}
prerequisites:
  - confirm: It is Friday
  - {confirm: It is late, name: Late, why: Nobody looks, hosts: db}
  - {name: It answers, http: "http://127.0.0.1/", verify: [{that: status == 200}]}
steps:
  - id: split
    name: Split
    command: df -h /
    retry: 3
    on_failure: RUN-002
    reversible: no
    verify: [{exit: 0}, {exit: [0, 1]}, {that: rc == 0}, {that: [rc == 0, stdout != '']}, {command: [df, /]}]
  - id: ask
    name: Ask
    http: {url: "{{ app_url }}", method: POST, body: {a: [1]}}
    on_failure: {run: RUN-002, inputs: {version: "{{ watch }}"}}
    verify: [{http: "https://127.0.0.1/", json: {status: null}, hold_for: "{{ watch }}"}]
  - {id: pause, name: Pause, wait: 30s, verify: [{confirm: Well}]}
  - {id: gone, name: Gone, wait: {path: /tmp/x, state: absent}, why: , verify: [{command: ls, matches: a}]}
  - id: only
    name: Only look
    verify: [{sql: SELECT 1 AS a WHERE 1 = %(a)s, params: {a: 1}, that: row.a == 1, within: 5m}]
escalation: {when: [step_failed, {unresolved_for: 1h30m}], contacts: [on-call], provide: [timeline]}
follow_up: [One, {do: Two, within: 7d, if: escalated}]
"""


def documents():
    for path in (*SHIPPED, *GOLDEN):
        yield path.name, load(path.read_bytes(), file=path.name).value
    yield "short", load(SHORT.encode(), file="RUN-001.yml").value


@functools.cache
def schema(of):
    return SCHEMAS[of]()


@functools.cache
def validator(of):
    return Draft7Validator(schema(of))


def faults(of, value):
    return [f"{list(fault.absolute_path)}: {fault.message}" for fault in validator(of).iter_errors(value)]


@pytest.mark.parametrize("of", SCHEMAS)
def test_each_is_a_schema_that_is_shipped_as_it_would_be_made_now(of):
    Draft7Validator.check_schema(schema(of))

    assert json.loads((ROOT / "runbooks" / "schemas" / f"{of}.json").read_text(encoding="utf-8")) == schema(of)


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("runbooks/*.yml"), *ROOT.glob("runbooks/registry/*.yml"), *ROOT.glob("runbooks/shared/*.yml")],
    ids=lambda path: path.stem,
)
def test_each_shipped_file_points_to_its_schema(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    target = (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve()

    folder = path.parent.name
    of = {"contacts.yml": "contacts"}.get(path.name, "runbook" if folder == "runbooks" else folder)
    assert target == ROOT / "runbooks" / "schemas" / f"{of}.json"


@pytest.mark.parametrize("path", [*SHIPPED, *GOLDEN], ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_each_runbook_that_the_reader_takes_is_taken(path):
    read_runbook(path)

    assert faults("runbook", load(path.read_bytes(), file=path.name).value) == []


@pytest.mark.parametrize("path", [*ROOT.glob("runbooks/shared/*.yml")], ids=lambda path: path.stem)
def test_each_file_of_shared_steps_that_is_shipped_is_taken(path):
    assert faults("shared", load(path.read_bytes(), file=path.name).value) == []


def test_every_shorter_spelling_is_taken():
    document = load(SHORT.encode(), file="RUN-001.yml")
    to_runbook(document)

    assert faults("runbook", document.value) == []


@pytest.mark.parametrize("path", CONTACTS, ids=lambda path: path.parent.parent.name)
def test_each_file_of_contacts_is_taken(path):
    read_contacts(path)

    assert faults("contacts", load(path.read_bytes(), file=path.name).value) == []


@pytest.mark.parametrize("path", [*ROOT.glob("runbooks/registry/*.yml")], ids=lambda path: path.stem)
def test_each_file_of_the_registry_is_taken(path):
    assert faults("registry", load(path.read_bytes(), file=path.name).value) == []


@pytest.mark.parametrize(
    ("of", "written"),
    [
        ("contacts", "A b: {name: A}"),
        ("contacts", "a: {}"),
        ("contacts", "a: {name: A, level: L4}"),
        ("contacts", "a: {name: A, channels: [{pigeon: {}}]}"),
        ("contacts", "a: {name: A, channels: [{pagerduty: {routing_key: secret}}]}"),
        ("contacts", "a: {name: A, channels: [{}]}"),
        ("registry", "MON-5: {title: A, owner: a, severity: P1, condition: b}"),
        ("registry", "MON-005: {title: A, owner: a}"),
        ("registry", "RISK-001: {title: A, owner: a, level: huge}"),
        ("registry", "XYZ-001: {title: A, owner: a, level: high}"),
        ("registry", "XYZ-001: {title: A}"),
    ],
)
def test_what_is_no_contact_and_no_entry_is_refused(of, written):
    assert faults(of, yaml.safe_load(written)) != []


@pytest.mark.parametrize(
    ("kind", "written", "expected"), [case for case in read_faults.cases() if case.values[0] != "contacts"]
)
def test_what_has_the_wrong_shape_for_the_reader_is_refused_here_too(kind, written, expected):
    rules = {finding.rpartition("[")[2].rstrip("]") for finding in expected}
    text, *_ = read_faults.in_a_runbook(kind, written)
    value = load(text.encode(), file="RUN-001.yml").value

    assert bool(faults("runbook", value)) or rules <= SEMANTIC


def test_a_trigger_says_something():
    value = copy.deepcopy(DOCUMENTS["short"])
    value["trigger"] = {}

    assert faults("runbook", value) == ["['trigger']: {} is not valid under any of the given schemas"]


def places(value, at=()):
    yield at
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*at, key))


DOCUMENTS = dict(documents())
SPOILT = st.sampled_from(
    [None, True, 0, 1.5, "", "word", "no", "5m", "RUN-003", "{{ watch }}", [], ["x"], {}, {"x": 1}]
)


@given(name=st.sampled_from(sorted(DOCUMENTS)), data=st.data())
def test_however_a_runbook_is_changed_what_the_reader_still_takes_is_never_refused(name, data):
    value = copy.deepcopy(DOCUMENTS[name])
    *parents, key = data.draw(st.sampled_from([place for place in places(value) if place]))
    around = value
    for part in parents:
        around = around[part]
    if data.draw(st.booleans()):
        del around[key]
    else:
        around[key] = data.draw(SPOILT)
    document = load(json.dumps(value).encode(), file="RUN-001.yml")

    try:
        to_runbook(document)
    except InvalidFileError:
        return
    assert faults("runbook", document.value) == []


def properties(schema):
    if isinstance(schema, dict):
        yield from ((key, said) for key, said in schema.get("properties", {}).items() if isinstance(said, dict))
        for item in schema.values():
            yield from properties(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from properties(item)


@pytest.mark.parametrize("of", SCHEMAS)
def test_an_editor_can_explain_every_key(of):
    silent = [key for key, said in properties(schema(of)) if not (said.get("description") or said.get("$ref"))]

    assert silent == []


def test_nothing_is_explained_that_nobody_can_write():
    explained = {said.get("description") for of in SCHEMAS for _, said in properties(schema(of))}

    assert [key for key, text in DESCRIPTIONS.items() if text not in explained] == []
