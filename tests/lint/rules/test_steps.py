"""What a careful author writes has no finding; each way to make a known mistake has the one of its rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from harness import ROOT

from runner.kinds.ansible_yaml import dump
from runner.model.procedure.shared_steps import SharedSteps
from runner.model.runbook import Runbook
from runner.model.yaml.document import load

_HERE = Path(__file__).parent
ELSEWHERE = frozenset({"no-source", "unknown-approval-group", "unusable-schedule"})
"""Rules about what an example leaves to another file: the registry, the contacts, the inventories."""
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
# The examples of kinds.md are tried as what they are, steps and verifications, in tests/docs/test_kinds_page.py.
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.name != "kinds.md")]
EXAMPLES = [(page.name, match[1]) for page in PAGES for match in FENCE.finditer(page.read_text(encoding="utf-8"))]
FIRST = {"id": "find", "name": "Find the stuck sessions", "sql": "SELECT pid FROM pg_stat_activity", "effect": "read"}
FIRST |= {
    "capture": {"stuck": "rows", "stuck_pids": "stuck | map(attribute='pid') | list", "used": "rows | length"},
    "verify": [{"that": "rows | length > 0"}],
}
FAILOVER = {
    **BASE,
    "id": "RUN-032",
    "inputs": {"primary": {"type": "host", "help": "Where the database is"}},
    "steps": [{**FIRST, "capture": {"lag_seconds": "rows | length"}}],
}
"""The runbook that a step of an example is done by."""


def example(text):
    """What a page shows, in a runbook around it; None for what is no part of one."""
    # `on` is a word for our own reader of YAML
    shown = load((f"steps:\n{text}" if text.startswith("- ") else text).encode(), file="example.yml").value
    if text.startswith("- "):
        return {"steps": [FIRST, *shown["steps"]]}
    if not shown.keys() <= {*Runbook.model_fields, "approve"}:
        return None
    return {"steps": [{**GOOD[0], "id": "act", "name": "Do it on the host", **shown}]} if "approve" in shown else shown


@pytest.mark.parametrize(("page", "text"), EXAMPLES, ids=[str(number) for number in range(len(EXAMPLES))])
def test_what_the_pages_show_has_no_finding(linted, page, text):
    part = example(text)
    if part is not None:
        whole = {**yaml.safe_load(around(GOOD[0])), **part}
        shared = next(
            text
            for _, text in EXAMPLES
            if text.startswith("title: ") and set(yaml.safe_load(text)) == set(SharedSteps.model_fields)
        )
        found = linted(dump(whole), {"RUN-032.yml": dump(FAILOVER), "shared/db-healthy.yml": shared})
        assert [f"{each.rule}: {each.message}" for each in found if each.rule not in ELSEWHERE] == [], page


def test_there_are_many_good_steps():
    assert len(GOOD) >= 200
