"""What a runbook says of its rehearsal is read like a procedure, with every fault where it stands."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from harness.fakes import RUNBOOK
from harness.runbook_files import read_runbook

from runner.model.yaml.finding import InvalidFileError

STEP = {"name": "Do it", "command": "true", "verify": [{"exit": 0}]}
DRILL = {
    "probe": {"http": "http://load_balancer/health"},
    "inject": [{"id": "break", **STEP}],
    "symptom": [{"id": "look", **STEP}],
    "proof": [{"id": "prove", **STEP}],
}


@pytest.fixture
def read(tmp_path):
    def do(**changes):
        drill = {key: item for key, item in {**DRILL, **changes}.items() if item is not None}
        path = tmp_path / "RUN-001.yml"
        path.write_text(RUNBOOK + "drill: " + json.dumps(drill))
        return read_runbook(path)

    return do


def test_its_phases_have_steps_and_what_is_not_said_has_a_default(read):
    drill = read().drill

    assert [step.id for step in drill.steps("inject", "symptom", "proof", "undo")] == ["break", "look", "prove"]
    assert (drill.undo, drill.budget, drill.inputs) == ((), timedelta(minutes=5), {})


def test_a_runbook_may_say_nothing_of_it(tmp_path):
    path = tmp_path / "RUN-001.yml"
    path.write_text(RUNBOOK)

    assert read_runbook(path).drill is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"proof": None}, ("drill.proof", "is missing")),
        ({"injection": []}, ("drill.injection", "unknown key 'injection'")),
        ({"inject": [{**STEP, "id": "break", "verify": []}]}, ("drill.inject[0]", "this step has no `verify`")),
        ({"proof": [{**STEP, "id": "look"}]}, ("drill.proof[0].id", "another step is called 'look'")),
        (
            {"undo": [{**STEP, "id": "back", "command": 1}]},
            ("drill.undo[0].command", "must be a list, not the number 1"),
        ),
        (
            {"probe": {"http": "load_balancer"}},
            ("drill.probe.http", "must be an http URL like http://load_balancer/health, not 'load_balancer'"),
        ),
        ({"inject": []}, ("drill.inject", "is an empty list")),
        (
            {"inputs": {"size": 3}},
            ("", "the `inputs` of its `drill` do not fit: size: there is no such input; it takes none"),
        ),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(read, changes, expected):
    with pytest.raises(InvalidFileError) as caught:
        read(**changes)

    assert [(finding.path, finding.message) for finding in caught.value.findings] == [expected]
