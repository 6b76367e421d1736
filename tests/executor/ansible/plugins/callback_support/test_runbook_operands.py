"""What a condition looks at is shown as Ansible sees it; nothing is called for it that the condition may not reach."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template

import runner

_PATH = Path(runner.__file__).parent / "executor" / "ansible" / "plugins" / "callback_support" / "runbook_operands.py"
_SPEC = importlib.util.spec_from_file_location("runbook_operands_tried", _PATH)
operands = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(operands)

VARIABLES = {
    "probe": {"rc": 3, "stdout": "a"},
    "rows": [{"used": 2, "size": 100}],
    "row": trust_as_template("{{ rows | first | default({}) }}"),
    "stdout": "x\ny",
    "limit": 5,
}


@pytest.mark.parametrize(
    ("condition", "seen"),
    [
        ("row.used >= 0.9 * row.size", {"row.used": 2, "row.size": 100}),
        ("rows | length > limit", {"rows | length": 1, "limit": 5}),
        ("(rows | first)['used'] == 3 and 'E' not in stdout", {"(rows | first)['used']": 2, "stdout": "x\ny"}),
        ("stdout is search('ERROR')", {"stdout": "x\ny"}),
        ("stdout.startswith('z')", {"stdout": "x\ny"}),
        ("probe.rc | default(-1) == 0", {}),
        ("not (result.output.stdout.truncated | default(false))", {}),
        ("(probe.results | last).status | default(-1) >= 100", {}),
        ("1 <", {}),
    ],
)
def test_each_operand_has_its_value(condition, seen):
    found = operands.observe([condition], VARIABLES, DataLoader())

    assert {operand["name"]: operand["value"] for operand in found} == seen


def test_of_what_is_compared_it_is_told_which_value_is_worse():
    found = operands.observe(["row.used < 70", "5 < limit", "row.size == 3"], VARIABLES, DataLoader())

    assert [(operand["name"], operand.get("worst")) for operand in found] == [
        ("row.used", "max"),
        ("limit", "min"),
        ("row.size", None),
    ]


def test_what_is_not_there_is_missing():
    assert operands.observe(["row.gone == 1 or gone"], VARIABLES, DataLoader()) == [
        {"name": "row.gone", "missing": True},
        {"name": "gone", "decides": True, "missing": True},
    ]


def test_nothing_is_looked_up(tmp_path):
    made = tmp_path / "made"

    operands.observe([f"limit > 7 or lookup('pipe', 'touch {made}') == stdout"], VARIABLES, DataLoader())

    assert not made.exists()


def test_what_is_compared_with_nothing_decides():
    found = operands.observe(["row.used == 2 and (stdout or not limit)", "rows | length"], VARIABLES, DataLoader())

    assert [operand["name"] for operand in found if operand.get("decides")] == ["stdout", "rows | length"]
