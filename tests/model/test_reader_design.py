"""The example of the design loads, but for what later versions bring."""

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


def test_what_is_not_there_yet_is_an_unknown_key():
    assert findings(EXAMPLE) == [
        ("steps[2].sql", "%(pids)s has no value; give it under params", ""),
        ("steps[2].verify[1].alert_resolved", "unknown key 'alert_resolved'", LATER),
        ("drill", "unknown key 'drill'", LATER),
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
