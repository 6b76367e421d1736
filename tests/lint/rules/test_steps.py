"""What a careful author writes has no finding; each way to make a known mistake has the one of its rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from harness import ROOT

from runner.kinds.ansible_yaml import dump
from runner.model.runbook import Runbook

_HERE = Path(__file__).parent
ELSEWHERE = frozenset({"unknown-approval-group"})
"""Rules about what an example leaves to another file: the contacts."""
WRONG = [
    (rule, step)
    for rule, steps in yaml.safe_load((_HERE / "wrong_steps.yml").read_text(encoding="utf-8")).items()
    for step in steps
]
GOOD = yaml.safe_load((_HERE / "good_steps.yml").read_text(encoding="utf-8"))
INPUTS = {
    "who": {"type": "string", "default": "ops", "help": "Who does it"},
    "version": {"type": "string", "pattern": "[0-9.]+", "default": "1.10", "help": "The release"},
    "keep_for": {"type": "duration", "default": "5m", "help": "How long it is kept"},
    "count": {"type": "int", "default": 2, "min": 1, "max": 9, "help": "How many"},
    "dry": {"type": "bool", "default": True, "help": "Whether it is only shown"},
}
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


@pytest.mark.parametrize("step", GOOD, ids=[str(number) for number in range(len(GOOD))])
def test_a_good_step_has_no_finding(linted, step):
    assert [
        f"{each.rule}: {each.message}" for each in linted(around({"verify": [{"exit": 0}], **step}, inputs=INPUTS))
    ] == []


FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [(page.name, match[1]) for page in PAGES for match in FENCE.finditer(page.read_text(encoding="utf-8"))]
FIRST = {"id": "find", "name": "Find the stuck sessions", "sql": "SELECT pid FROM pg_stat_activity", "effect": "read"}
FIRST |= {"capture": {"stuck_pids": "rows | map(attribute='pid') | list"}, "verify": [{"that": "rows | length > 0"}]}


def example(text):
    """What a page shows, in a runbook around it; None for what is no part of one."""
    shown = yaml.safe_load(text)
    if isinstance(shown, list):
        return {"steps": [FIRST, *shown]}
    if not shown.keys() <= {*Runbook.model_fields, "approve"}:
        return None
    return {"steps": [{**GOOD[0], "id": "act", "name": "Do it on the host", **shown}]} if "approve" in shown else shown


@pytest.mark.parametrize(("page", "text"), EXAMPLES, ids=[str(number) for number in range(len(EXAMPLES))])
def test_what_the_pages_show_has_no_finding(linted, page, text):
    part = example(text)
    if part is not None:
        whole = {**yaml.safe_load(around(GOOD[0])), **part}
        assert [f"{each.rule}: {each.message}" for each in linted(dump(whole)) if each.rule not in ELSEWHERE] == [], (
            page
        )


def test_there_are_many_good_steps():
    assert len(GOOD) >= 200
