"""The first record says by itself what a run was begun to do, and against what."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from harness.engine import NOBODY, change, undoing
from harness.fake_run import FakeContact

from runner.compiler.step_digests import step_digests
from runner.core.events import EventType


def first_record(engine):
    (record,) = [record for record in engine.records if record.type == EventType.RUN_STARTED]
    return record.data


def test_a_run_is_described_whole(engine):
    # Given a step that is taken back, and one with much that decides what it does
    engine.run(
        undoing("one"),
        change("two", on="db1", only_if="ok", become=True, effect="destructive"),
        limit="db1",
        mode="step",
    )

    # Then each is described, with its place in the file
    record, source = first_record(engine), engine.asked_for.source
    lines = source.path.read_text().splitlines()
    place = {line.strip(): f"{source.path}:{number}" for number, line in enumerate(lines, 1)}
    digests = step_digests(source)
    assert record.pop("provenance")["library"] == str(engine.directory)
    assert record == {
        "runbook": "RUN-001",
        "title": "Disk is full",
        "category": "incident",
        "severity": "P2",
        "runbook_sha256": hashlib.sha256(source.path.read_bytes()).hexdigest(),
        "playbook_sha256": hashlib.sha256(engine.asked_for.playbook).hexdigest(),
        "inventories": [str(engine.directory / "inventory.yml")],
        "limit": "db1",
        "mode": "step",
        "parent": "",
        "budget": None,
        "provide": ["timeline"],
        "directory": str(engine.env.state.runs_path / engine.asked_for.run_id),
        "steps": [
            {
                "id": "one",
                "name": "One",
                "effect": "change",
                "does": "touch /one",
                "verify": ["one is there"],
                "judged": ["ls /one succeeds"],
                "place": place["- id: one"],
                "digest": digests["one"],
            },
            {
                "id": "two",
                "name": "Two",
                "effect": "destructive",
                "does": "touch /two\non db1\nbecome root",
                "only_if": "ok",
                "verify": ["two is there"],
                "judged": ["ls /two succeeds"],
                "place": place["- id: two"],
                "digest": digests["two"],
            },
        ],
        "undo": [
            {
                "id": "undo-one",
                "name": "Undo: One",
                "effect": "change",
                "does": "rm /one",
                "verify": ["Exit code is 0"],
                "place": place["command: rm /one"],
            }
        ],
    }


@pytest.mark.parametrize(
    ("policy", "deadline", "seconds"),
    [
        ([{"unresolved_for": "15m"}, {"unresolved_for": "10m"}], "30m", 1800.0),
        ([{"unresolved_for": "15m"}, {"unresolved_for": "10m"}], None, 600.0),
        (["step_failed"], None, None),
    ],
)
def test_it_should_be_done_by_its_deadline_or_before_somebody_is_called(engine, policy, deadline, seconds):
    engine.run(escalation={**NOBODY, "when": policy}, deadline=deadline)

    assert first_record(engine)["budget"] == seconds


def test_who_is_called_after_whom_is_in_it_level_by_level(engine):
    names = {"on-call": "L1", "lead": "L2", "deputy": "L2", "director": "L3"}
    request = engine.request(escalation={**NOBODY, "contacts": list(names), "next_after": "15m"})
    engine.asked_for = replace(request, contacts={name: FakeContact((), level) for name, level in names.items()})

    engine.do()

    assert first_record(engine)["ladder"] == [
        "L1 on-call",
        "L2 lead, deputy, 15m after the level before",
        "L3 director, 15m after the level before",
    ]
