"""Every fault of a runbook is found where it stands, once, with a sentence that says what to do.

The files in `faults/` hold cases: what is written, then after `->` each finding as LINE:COLUMN PATH: MESSAGE; HINT [RULE],
counted from the first line of the case. In `top.txt` a case is keys of the runbook itself, elsewhere one step.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from runner.model.reader import to_runbook
from runner.model.yaml.document import load
from runner.model.yaml.finding import InvalidFileError

TOP = """\
id: RUN-001
title: Disk is full
category: incident
severity: P2
owner: backend-team
trigger: {alert: MON-001}
scope: {handles: [Too little space]}
hosts: all
escalation: {when: [step_failed], contacts: [on-call], provide: [timeline]}
inputs: {watch: {type: duration, default: 5m, help: How long}, word: {help: A word}, key: {type: secret, help: A secret}}
steps:
  - {id: fine, name: Fine, command: ls, verify: [{exit: 0}]}
"""


def cases():
    for path in sorted((Path(__file__).parent / "faults").glob("*.txt")):
        for number, case in enumerate(path.read_text(encoding="utf-8").split("\n\n"), 1):
            written = [line for line in case.splitlines() if not line.startswith("-> ")]
            found = [line[3:] for line in case.splitlines() if line.startswith("-> ")]
            yield pytest.param(path.stem, "\n".join(written), found, id=f"{path.stem}-{number}")


def in_a_runbook(kind, written):
    """The text of a runbook with what is written in it, the place it has there, and the line before it."""
    if kind != "top":
        step = "".join(f"    {line}\n" for line in written.splitlines())
        return TOP + "  - " + step.removeprefix("    "), "steps[1]", TOP.count("\n")
    keys = {line.partition(":")[0] for line in written.splitlines() if not line.startswith((" ", "-"))}
    rest = {key: item for key, item in yaml.safe_load(TOP).items() if key not in keys}
    return written + "\n" + yaml.safe_dump(rest, sort_keys=False), "", 0


@pytest.mark.parametrize(("kind", "written", "expected"), list(cases()))
def test_each_fault_has_exactly_its_findings(kind, written, expected):
    text, place, before = in_a_runbook(kind, written)
    with pytest.raises(InvalidFileError) as caught:
        to_runbook(load(text.encode(), file="RUN-001.yml"))
    assert [said(finding, place, before) for finding in caught.value.findings] == expected


def said(finding, place, before):
    path = finding.path.removeprefix(place).removeprefix(".") or "-"
    hint = f"; {finding.hint}" if finding.hint else ""
    return f"{finding.line - before}:{finding.column} {path}: {finding.message}{hint} [{finding.rule}]"
