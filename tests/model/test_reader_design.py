"""The example of the design loads, but for a drill, of which more must be said: each part is a list of steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from runner.model.reader import to_runbook
from runner.model.yaml.document import load
from runner.model.yaml.finding import InvalidFileError

EXAMPLE = (Path(__file__).parent / "design.yml").read_text(encoding="utf-8")
LATER = "possible keys are "


def findings(text):
    with pytest.raises(InvalidFileError) as caught:
        to_runbook(load(text.encode(), file="RUN-001.yml"))
    return [(finding.path, finding.message, finding.hint.partition(LATER)[1]) for finding in caught.value.findings]


def test_what_is_written_in_another_way_is_named():
    assert findings(EXAMPLE) == [
        ("steps[2].sql", "%(pids)s has no value; give it under params", ""),
        ("drill.proof", "is missing", ""),
        ("drill.probe.http", "must be an http URL like http://load_balancer/health, not '{{ app_url }}/health'", ""),
        ("drill.probe.that", "unknown key 'that'", ""),
        ("drill.inject", "must be a list, not a mapping", ""),
        ("drill.symptom", "must be a list, not a mapping", ""),
        ("drill.undo", "must be a list, not a mapping", ""),
    ]


def test_all_the_rest_loads():
    document = yaml.safe_load(EXAMPLE)
    terminate = document["steps"][2]
    del document["drill"], terminate["verify"][1]
    terminate["sql"] = terminate["sql"].replace("%(pids)s", "%(pids)s::int[]")
    terminate["params"] = {"pids": "{{ pids }}"}
    runbook = to_runbook(load(yaml.safe_dump(document).encode(), file="RUN-001.yml"))
    assert [step.id for step in runbook.procedure] == [
        *("prerequisite-1", "prerequisite-2", "verify-alert", "find-stuck", "terminate-stuck", "root-cause"),
    ]
