"""The names that a step mentions, wherever in it."""

from __future__ import annotations

import pytest
from harness.fakes import runbook_file
from harness.runbook_files import read_runbook

from runner.model.mentions import mentioned

STEP = {"id": "act", "name": "Act", "effect": "change", "command": "echo", "verify": [{"exit": 0}]}


@pytest.mark.parametrize(
    "keys",
    [
        {"command": "echo {{ word }}"},
        {"command": ["echo", "{{ other | default(word) }}"]},
        {"env": {"WORD": "{{ word }}"}},
        {"verify": [{"that": "stdout == word"}]},
        {"capture": {"found": "stdout ~ word"}},
        {"become_user": "{{ word }}"},
    ],
)
def test_a_name_is_found_and_one_that_is_a_part_of_another_is_not(tmp_path, keys):
    inputs = {name: {"help": "A word", "default": "x"} for name in ("word", "wor", "ord", "other")}
    (step,) = read_runbook(runbook_file(tmp_path, inputs=inputs, steps=[{**STEP, **keys}])).steps

    assert mentioned(step, ["word", "wor", "ord"]) == ["word"]
