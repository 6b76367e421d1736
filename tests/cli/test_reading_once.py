"""However a command uses a runbook, it opens the runbook's file once and composes it once."""

from __future__ import annotations

import re
import sys
from collections import Counter

import pytest
from harness.fakes import runbook_file

from runner.model.yaml.composer import Composer

_OPENED: list[str] = []


@pytest.fixture(scope="module")
def opened():
    """The RUN- files that this process opens from now on; a hook cannot be taken out of a process again."""
    sys.addaudithook(lambda event, args: _OPENED.append(str(args[0])) if event == "open" else None)
    return _OPENED


@pytest.fixture
def composed():
    """The sizes of the YAML texts that are composed from now on."""
    calls, code = [], Composer.compose.__code__

    def count(frame, event, _):
        if event == "call" and frame.f_code is code:
            calls.append(frame.f_back.f_locals["file"])

    before = sys.getprofile()
    sys.setprofile(count)
    yield calls
    sys.setprofile(before)


@pytest.mark.parametrize(
    "words",
    [
        ("lint",),
        ("lint", "RUN-001"),
        ("list",),
        ("show", "RUN-001"),
        ("find", "disk"),
        ("links", "RUN-001"),
        ("impact", "MON-001"),
        ("matrix",),
        ("compile", "--check"),
        ("export", "RUN-001"),
        ("plan", "RUN-001", "-i", "inventory.yml"),
        ("run", "RUN-001", "-i", "inventory.yml", "--auto"),
    ],
    ids=" ".join,
)
def test_each_file_is_opened_and_composed_once(runbook, library, ansible, here, opened, composed, words):
    runbook_file(here, id="RUN-002")
    assert runbook("compile").code == 0
    opened.clear()
    composed.clear()

    ran = runbook(*words)

    assert ran.code in {0, 1}, ran.err
    files = [path for path in opened if re.search(r"runbooks/RUN-[0-9]+\.yml$", path)]
    names = [path for path in composed if re.search(r"RUN-[0-9]+\.yml$", path)]
    assert set(Counter(files).values()) == {1}, files
    assert len(set(names)) == len(names) == len(files), names
