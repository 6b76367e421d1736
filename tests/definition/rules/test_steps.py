"""What a careful author writes has no finding; each way to make a known mistake has the one of its rule."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from runner.playbook import dump

_HERE = Path(__file__).parent
WRONG = [
    (rule, step)
    for rule, steps in yaml.safe_load((_HERE / "wrong_steps.yml").read_text(encoding="utf-8")).items()
    for step in steps
]
BASE = {
    "id": "RUN-001",
    "title": "Disk is full",
    "category": "incident",
    "severity": "P2",
    "owner": "backend-team",
    "trigger": {"alert": "MON-001"},
    "scope": {"handles": ["Too little space on the data disk"]},
    "hosts": "all",
    "escalation": {"when": ["step_failed"], "contacts": ["on-call"], "provide": ["timeline"]},
}


def around(step, **more):
    """A runbook with this step."""
    return dump({**BASE, **more, "steps": [{"id": "act", "name": "Do it on the host", **step}]})


@pytest.mark.parametrize(("rule", "step"), WRONG, ids=[f"{rule}-{number}" for number, (rule, _) in enumerate(WRONG)])
def test_a_known_mistake_is_found_however_it_is_written(linted, rule, step):
    assert {each.rule for each in linted(around(step))} == {rule}
