"""Criteria and rollback triggers of the registry stand in the place of the ids that name them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from harness.fakes import runbook_file
from harness.registry_files import write_registry

from runner.compiler.committed_playbook import compiled
from runner.library.library import Library
from runner.lint.engine import lint
from runner.model.yaml.finding import InvalidFileError

OTHER = {"name": "Something else", "command": "true-ish", "verify": [{"exit": 0}]}


@pytest.fixture
def source(tmp_path):
    """Reads a runbook beside a registry whose rollback trigger has `rollback` changed."""

    def read(rollback=None, **changes):
        write_registry(tmp_path, **(rollback or {}))
        return Library(tmp_path).source(str(runbook_file(tmp_path, **changes)))

    return read


def faults(source, **changes):
    with pytest.raises(InvalidFileError) as caught:
        source(**changes)
    return [(each.file.rpartition("/")[2], each.line, each.message) for each in caught.value.findings]


def test_each_criterion_is_a_prerequisite_and_what_a_person_confirms_comes_last(source):
    runbook = source(prerequisites=[{"criteria": ["DEP-004", "DEP-002", "DEP-003"], "hosts": "web"}, OTHER]).runbook

    assert [(step.name, step.hosts, step.criterion and step.criterion.id) for step in runbook.prerequisites] == [
        ("DEP-002: All tests pass", "web", "DEP-002"),
        ("DEP-003: No blockers", "all", "DEP-003"),  # the entry says where by itself
        ("DEP-004: Reviewed", "web", "DEP-004"),
        ("Something else", None, None),
    ]
    assert [verification.says for verification in runbook.prerequisites[2].verify] == ["The review is complete"]


def test_a_trigger_is_watched_and_what_follows_is_known(source):
    (trigger,) = source({"auto": True, "every": "20s", "inputs": {"why": "{{ x }}"}}, watch=["DEP-006"]).runbook.watch

    assert (trigger.id, trigger.says, trigger.auto) == ("DEP-006", "the error rate is above 2 %", True)
    assert (trigger.every, trigger.to.run, trigger.to.inputs) == (timedelta(seconds=20), "RUN-005", {"why": "{{ x }}"})
    assert trigger.in_words == (
        "DEP-006 the error rate is above 2 %: looked at every 20s; when it holds, RUN-005 begins"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prerequisites": [{"criteria": ["DEP-009"]}]}, "there is no DEP-009 in the registry"),
        ({"prerequisites": [{"criteria": ["DEP-005"]}]}, "DEP-005 has no `check`"),
        ({"prerequisites": [{"criteria": []}]}, "is an empty list"),
        ({"prerequisites": [{"criteria": ["DEP-002"], "host": "a"}]}, "unknown key 'host'"),
        ({"watch": ["DEP-002"]}, "DEP-002 has no `rollback`"),
        ({"watch": [{"id": "DEP-006"}]}, "must be the id of an entry with a rollback trigger, like DEP-006"),
        (
            {"rollback": {"condition": None}, "watch": ["DEP-006"]},
            "DEP-006 has no rollback trigger that can be looked at",
        ),
    ],
)
def test_an_entry_that_cannot_be_used_is_a_fault_where_it_is_named(source, changes, message):
    ((file, _, said),) = faults(source, **changes)

    assert file == "RUN-001.yml"
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("rollback", "message"),
    [
        ({"every": "1s"}, "is less than 5s, and each look starts Ansible"),
        ({"condition": {"command": "x", "thatt": "rc == 0"}}, "unknown key 'thatt'"),
        ({"condition": {"command": "x", "that": "rc == 0", "within": "1m"}}, "its condition is one look"),
        ({"condition": {"confirm": "Is it bad?"}}, "its condition is one look"),
    ],
)
def test_a_fault_of_an_entry_is_told_in_the_file_that_it_stands_in(source, rollback, message):
    found = faults(source, rollback=rollback, watch=["DEP-006"])

    assert {file for file, _, _ in found} == {"deployments.yml"}
    assert message in found[0][2]


def test_lint_looks_at_probes_of_the_registry_as_well(source):
    found = lint(
        source({"condition": {"command": "rm -rf /srv/x", "that": "stdout == 'x'"}}, watch=["DEP-006"]),
        {},
        today=date(2026, 1, 1),
    )

    assert [(each.file.rpartition("/")[2], each.rule) for each in found if each.file.endswith("deployments.yml")] == [
        ("deployments.yml", "unknown-runbook"),  # to which its trigger leads
        ("deployments.yml", "read-that-writes"),
    ]


def test_a_change_of_an_entry_is_a_change_of_the_runbook(source):
    before = source(watch=["DEP-006"])
    after = source({"condition": {"command": "error-rate", "that": "stdout | float > 3"}}, watch=["DEP-006"])

    assert before.sha256 != after.sha256
    assert compiled(before) != compiled(after)
    assert any(path.name == "deployments.yml" for path in after.files)
