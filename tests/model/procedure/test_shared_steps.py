"""Shared steps stand in the place of whoever names them, and what is wrong in them is found where it is written."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from harness.fakes import RUNBOOK, runbook_file

from runner.compiler.committed_playbook import compiled, is_stale
from runner.library.library import Library
from runner.library.links.link_mentions import shared_mentions
from runner.lint.engine import lint
from runner.model.procedure.step_numbers import labels
from runner.model.yaml.finding import InvalidFileError

SHARED = """\
title: The service answers
inputs:
  url: {help: Where it is}
  good: {type: int, default: 200, help: The status that is good}
  patience: {type: duration, default: 30s, help: How long it may take}
steps:
  - id: answers
    name: The service answers
    effect: read
    http: "{{ url }}/health"
    capture: {code: status}
    verify:
      - {says: The status is good, that: status == good and patience_seconds > 1}
  - id: stays
    name: It stays so
    command: "echo {{ code }} {{ good }} {{ url | quote }}"
    env: {GOOD: "{{ good }}"}
    verify:
      - {says: It answers the same, http: "{{ url }}", that: status == code, within: "{{ patience }}"}
"""
USE = {"use": "shared/web", "with": {"url": "{{ app_url }}/x", "good": 204}}


def in_a_branch(use):
    """The same in a branch of a branch."""
    inner = {"id": "inner", "name": "How far?", "decide": [{"if": "far", "stop": "Too far"}, {"else": {"then": [use]}}]}
    return {"id": "way", "name": "Which way?", "decide": [{"if": "wide", "then": [inner]}, {"else": "nothing"}]}


WHERE = pytest.mark.parametrize("at", [dict, in_a_branch], ids=["in the procedure", "in a branch"])


@pytest.fixture
def library(tmp_path):
    """Writes a library with such steps and such a file of shared ones."""

    def write(*steps, shared=SHARED, **changes):
        folder = tmp_path / "runbooks" / "shared"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "web.yml").write_text(shared)
        runbook_file(tmp_path, **({"steps": list(steps)} if steps else {}), **changes)
        return Library(tmp_path)

    return write


def faults(library):
    with pytest.raises(InvalidFileError) as caught:
        library.source("RUN-001")
    return [(each.file.rpartition("/")[2], each.line, each.rule, each.message) for each in caught.value.findings]


def test_the_steps_of_two_uses_are_told_apart_by_their_names(library):
    used = library(USE, {**USE, "id": "after"}).source("RUN-001").runbook

    assert [step.name for step in used.steps] == [
        "The service answers",
        "It stays so",
        "The service answers (after)",
        "It stays so (after)",
    ]


def test_a_parameter_that_is_true_or_false_reaches_a_program_as_an_input_does(library):
    shared = (
        "title: Say it\ninputs: {force: {type: bool, help: Whether}}\n"
        "steps: [{id: say, name: Say, command: [say, '{{ force }}'], env: {F: '{{ force }}'}, verify: [{exit: 0}]}]\n"
    )
    written = library({"use": "shared/web", "with": {"force": False}}, shared=shared)

    text = compiled(written.source("RUN-001"))

    assert (text.count('"{{ false | to_json }}"'), text.count("{{ false }}")) == (2, 0)


def test_they_are_as_if_they_were_written_there(library):
    # Given
    by_hand = [
        {
            "id": "web-answers",
            "name": "The service answers",
            "effect": "read",
            "http": "{{ app_url }}/x/health",
            "capture": {"web_code": "status"},
            "verify": [{"says": "The status is good", "that": "status == 204 and 30.0 > 1"}],
        },
        {
            "id": "web-stays",
            "name": "It stays so",
            "command": "echo {{ web_code }} 204 {{ (app_url ~ '/x') | quote }}",
            "env": {"GOOD": "{{ 204 }}"},
            "verify": [
                {
                    "says": "It answers the same",
                    "http": "{{ app_url }}/x",
                    "that": "status == web_code",
                    "within": "30s",
                }
            ],
        },
    ]
    # When
    used = library(USE).source("RUN-001").runbook
    # Then
    assert used == library(*by_hand).source("RUN-001").runbook


def test_another_id_keeps_two_uses_apart_and_the_hosts_are_those_of_the_use(library):
    runbook = library(USE, {**USE, "id": "after", "hosts": "app[0]"}).source("RUN-001").runbook

    assert [(step.id, step.hosts, [*step.capture]) for step in runbook.steps] == [
        ("web-answers", None, ["web_code"]),
        ("web-stays", None, []),
        ("after-answers", "app[0]", ["after_code"]),
        ("after-stays", "app[0]", []),
    ]
    assert [each[2] for each in faults(library(USE, USE))] == ["duplicate-id", "duplicate-name", "duplicate-id"]


def test_a_condition_of_the_use_is_one_of_each_step(library):
    shared = SHARED.replace("    name: It stays so\n", "    name: It stays so\n    only_if: code == good\n")

    steps = library({**USE, "only_if": "wide"}, shared=shared).source("RUN-001").runbook.steps

    assert [step.only_if for step in steps] == ["wide", "(wide) and (web_code == 204)"]


def test_a_branch_has_them_among_its_steps(library):
    first = {"id": "first", "name": "First", "command": "echo x", "verify": [{"exit": 0}]}
    branches = [{"if": "wide", "then": [first, USE]}, {"else": {"then": [{**USE, "id": "other"}]}}]

    source = library({"id": "way", "name": "Which way?", "decide": branches}).source("RUN-001")

    assert [
        (label, step.id, step.only_if)
        for label, step in zip(labels(source.runbook.steps), source.runbook.steps, strict=True)
    ] == [
        ("1", "way", None),
        ("1a.1", "first", "way == 'a'"),
        ("1a.2", "web-answers", "way == 'a'"),
        ("1a.3", "web-stays", "way == 'a'"),
        ("1b.1", "other-answers", "way == 'b'"),
        ("1b.2", "other-stays", "way == 'b'"),
    ]
    assert [path.name for path in source.files] == ["RUN-001.yml", "web.yml"]


OUTER = """\
title: More of it
inputs:
  wanted: {type: int, default: 201, help: The status that is good}
steps:
  - {use: shared/web, id: inner, with: {url: "http://b", good: "{{ wanted }}"}}
  - id: last
    name: The last one
    only_if: inner_code == wanted
    command: echo done
    verify: [{exit: 0}]
"""


def test_shared_steps_use_others(library, tmp_path):
    library({"use": "shared/outer", "with": {"wanted": 202}})
    (tmp_path / "runbooks" / "shared" / "outer.yml").write_text(OUTER)

    source = Library(tmp_path).source("RUN-001")

    steps = source.runbook.steps
    assert [(step.id, [*step.capture], step.only_if) for step in steps] == [
        ("outer-inner-answers", ["outer_inner_code"], None),
        ("outer-inner-stays", [], None),
        ("outer-last", [], "outer_inner_code == 202"),
    ]
    assert steps[1].action.command[1:3] == ("{{ outer_inner_code }}", "202")
    assert [source.written_in("steps", number).rpartition("/")[2] for number in range(3)] == [
        "web.yml:7",
        "web.yml:14",
        "outer.yml:6",
    ]
    assert sorted(path.name for path in source.shared) == ["outer.yml", "web.yml"]
    assert {each.word for each in shared_mentions(source.document)} == {"shared/outer", "shared/web"}


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        ("one", "leads back to itself: shared/one uses shared/one"),
        ("two", "is too deep: shared/one uses shared/two uses shared/three uses shared/four; at most 3 files"),
    ],
)
def test_shared_steps_that_use_others_without_end_are_refused(library, tmp_path, inner, message):
    library({"use": "shared/one"})
    for name, other in {"one": inner, "two": "three", "three": "four", "four": "web"}.items():
        (tmp_path / "runbooks" / "shared" / f"{name}.yml").write_text(
            f"title: {name}\nsteps: [{{use: shared/{other}}}]\n"
        )

    ((_, line, rule, found),) = faults(Library(tmp_path))

    assert (line, rule, found.partition(" may")[0]) == (2, "endless-use", message)


def test_a_shared_diagnosis_is_another_one_at_each_use(library):
    shared = """\
title: Which way
inputs: {most: {type: int, help: How far}}
steps:
  - id: way
    name: Which way?
    decide:
      - if: distance > most
        then:
          - {id: go, name: Go, command: "echo {{ most }}", capture: {gone: rc}, verify: [{exit: 0}]}
      - else: nothing
  - {id: end, name: End, shell: "echo {{ way | quote }}", only_if: gone == 0, verify: [{exit: 0}]}
"""
    first, second = ({"use": "shared/web", "id": name, "with": {"most": most}} for name, most in (("a", 1), ("b", 2)))
    inputs = {"distance": {"type": "int", "help": "How far"}}

    steps = library(first, second, shared=shared, inputs=inputs).source("RUN-001").runbook.steps

    assert [(step.id, step.only_if, step.action.describe()) for step in steps if step.id[2:] != "way"] == [
        ("a-go", "a_way == 'a'", "echo 1"),
        ("a-end", "a_gone == 0", "echo {{ a_way | quote }}"),
        ("b-go", "b_way == 'a'", "echo 2"),
        ("b-end", "b_gone == 0", "echo {{ b_way | quote }}"),
    ]


def test_a_prerequisite_is_shared_too(library):
    only_looks = SHARED.partition("  - id: stays")[0]

    runbook = library(shared=only_looks, prerequisites=[USE]).source("RUN-001").runbook

    assert [(step.id, step.effect, step.name) for step in runbook.prerequisites] == [
        ("prerequisite-1", "read", "The service answers")
    ]


@pytest.mark.parametrize(
    ("use", "where", "what"),
    [
        ({"use": "shared/other"}, "use", "there is no shared/other.yml beside the runbook"),
        ({"use": "../web"}, "use", "must be shared/ and the name of a file there, like shared/db-healthy"),
        ({"use": "shared/web"}, "use", "url: has no value"),
        ({**USE, "with": {"url": "x", "gud": 1}}, "gud", "there is no such input"),
        ({**USE, "with": {"url": "x", "good": "many"}}, "good", "'many' is not a whole number"),
        ({**USE, "with": {"url": "x", "good": ["a"]}}, "good", "must be"),
        ({**USE, "verify": []}, "verify", "unknown key"),
    ],
)
@WHERE
def test_what_is_wrong_with_a_use_stands_where_it_is_used(library, use, where, what, at):
    made = library(at(use))
    lines = (made.root / "runbooks" / "RUN-001.yml").read_text().splitlines()

    ((file, line, _, message),) = faults(made)[:1]
    assert (file, what in message) == ("RUN-001.yml", True), message
    assert f"{where}:" in lines[line - 1]


@WHERE
def test_what_is_wrong_in_a_shared_file_stands_there_with_the_place_of_use(library, at):
    made = library(at(USE), shared=SHARED.replace("    effect: read\n", "    efect: read\n"))
    lines = (made.root / "runbooks" / "RUN-001.yml").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "use:" in text)

    ((file, where, rule, message),) = faults(made)
    assert (file, where, rule) == ("web.yml", 9, "unknown-key")
    assert message.endswith(f"runbooks/RUN-001.yml:{line})")


@pytest.mark.parametrize(
    ("shared", "what"),
    [
        (SHARED.replace("{{ url }}/health", "{{ url"), "is not a template"),
        (SHARED.replace("title: The service answers\n", ""), "missing"),
        (SHARED.replace("type: int", "type: integer"), "must be string"),
        ("- a\n", "mapping"),
    ],
)
def test_a_shared_file_that_cannot_be_read_is_named_itself(library, shared, what):
    ((file, _, _, message), *_) = faults(library(USE, shared=shared))

    assert (file, what in message) == ("web.yml", True), message


def test_a_secret_stays_one(library):
    secret = SHARED.replace("url: {help", "url: {type: secret, help")

    assert [each[3] for each in faults(library(USE, shared=secret))] == ["is a secret"]
    declared = {"where": {"type": "secret", "help": "Where"}}
    argument = {**USE, "with": {"url": "{{ where }}"}}
    assert {each[2] for each in faults(library(argument, shared=secret, inputs=declared))} == {"secret-in-arguments"}


def test_rules_of_lint_speak_about_the_shared_file_and_an_exception_there_counts_there(library):
    def rules(title):
        made = library(USE, shared=SHARED.replace("title: The service answers", title))
        found = lint(made.source("RUN-001"), {}, today=date(2026, 1, 1))
        return [(each.file.rpartition("/")[2], each.line) for each in found if each.rule == "todo-left"]

    assert rules("title: TODO") == [("web.yml", 1)]
    assert rules("title: TODO # lint: allow todo-left - it is called so") == []


def test_the_definition_and_the_playbook_change_with_a_shared_file(library):
    made = library(USE)
    source = made.source("RUN-001")
    made.playbook(source).parent.mkdir()
    made.playbook(source).write_text(compiled(source))
    assert not is_stale(made, source)

    changed = library(USE, shared=SHARED.replace("{{ url }}/health", "{{ url }}/ready")).source("RUN-001")

    assert is_stale(made, changed)
    assert (source.text == changed.text, source.sha256 == changed.sha256) == (True, False)
    assert [*source.files] == [made.root / "runbooks" / name for name in ("RUN-001.yml", "shared/web.yml")]


def test_a_runbook_without_shared_steps_is_its_own_definition(library):
    source = library().source("RUN-001")

    assert (source.definition, source.files[source.path]) == (source.text, source.sha256)
    assert yaml.safe_load(source.text)["id"] == yaml.safe_load(RUNBOOK)["id"]
