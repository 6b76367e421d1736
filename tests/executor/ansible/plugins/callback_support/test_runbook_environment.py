"""The environment of a module reaches it as it is, and stands in no argument."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness.texts import WORDS

import runner

_PATH = (
    Path(runner.__file__).parent / "executor" / "ansible" / "plugins" / "callback_support" / "runbook_environment.py"
)
_SPEC = importlib.util.spec_from_file_location("runbook_environment_tried", _PATH)
environment = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(environment)

TOLD = {f"TOLD_{number}": word for number, word in enumerate([*WORDS, "two\nlines\n", "--", "\\", "$(id) `id` 'é'"])}


@pytest.mark.parametrize("data", ["the module\n\nand no line break at its end", b"\x00\xff"])
def test_what_is_given_arrives_and_the_module_behind_it_too(data):
    program = f"{sys.executable} -c 'import json, os, sys; print(json.dumps([dict(os.environ), sys.argv, sys.stdin.buffer.read().hex()]))'"

    command, given = environment.by_standard_input(f"A=b   {program}", data, "A=b", TOLD)
    ran = subprocess.run(["/bin/sh", "-c", command], input=given, env={"c": "own"}, capture_output=True, check=True)

    environ, argv, read = json.loads(ran.stdout)
    expected = data.encode() if isinstance(data, str) else data
    assert {name: environ.get(name) for name in TOLD} == TOLD
    assert (environ["c"], argv, bytes.fromhex(read)) == ("own", ["-c"], expected)
    assert [name for name in environ if name.startswith("_") and name != "_"] == []
    assert not any(name in command for name in TOLD)
