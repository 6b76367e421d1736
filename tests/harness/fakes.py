"""What many tests need: the smallest runbook, a clock that stands still, and an operator who is always there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runner.core.events import Instant
from runner.kinds.ansible_yaml import dump
from runner.orchestrator.run_environment import GateAnswer

RUN_ID = f"20260101T000000Z-{os.getpid():08x}"
"""Of this process's own: who runs the tests beside it carries another marker."""

RUNBOOK = """\
id: RUN-001
title: Disk is full
category: incident
severity: P2
owner: backend-team
trigger: {alert: MON-001}
scope: {handles: [Too little space]}
hosts: all
steps:
  - id: look
    name: Look at the disk
    effect: read
    command: df /
    verify: [{exit: 0}]
escalation:
  when: [step_failed]
  contacts: [on-call]
  provide: [timeline]
"""

CONTACTS = """\
backend-team: {name: Backend team}
on-call:
  name: On-call engineer
  channels: [{webhook: {url: "http://127.0.0.1:9/"}}]
"""


def runbook_file(root: Path, text: str = RUNBOOK, **changes: Any) -> Path:
    """A library in the directory `root` with one runbook: `text` with its top-level keys changed (None drops one)."""
    document = {key: value for key, value in {**_parsed(text), **changes}.items() if value is not None}
    path = root / "runbooks" / f"{document['id']}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(document) if changes else text, encoding="utf-8")
    (path.parent / "contacts.yml").write_text(CONTACTS)
    return path


_parsed = cache(yaml.safe_load)


@dataclass
class Clock:
    """A clock that only moves when it is told to; both of its hands move together."""

    wall: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    monotonic: float = 1000.0
    boot: str = "boot-1"

    def __call__(self) -> Instant:
        return Instant(self.wall, self.monotonic, self.boot)

    def forward(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds


@dataclass
class FakeOperator:
    """Answers yes, or what `answers` has for a gate by its name, and remembers what was asked.

    What it declares it declares once; asked again, it answers the rest.
    """

    answers: dict[str, GateAnswer] = field(default_factory=dict)
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def answer(self, gate, view):
        self.asked.append((gate.kind, gate.name, tuple(view.hosts)))
        answer = self.answers.get(gate.name, GateAnswer(yes=True, by="alice"))
        if answer.declared:
            self.answers[gate.name] = replace(answer, declared=None)
        return answer
