"""Records of a run, made up for the tests of what is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from runner.core.events import EventType
from runner.store.log.envelope import Actor, Record

RUN = "20260101T000000Z-0123abcd"
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
ACTOR = Actor(user="alice", host="controller", pid=1, tool_version="0.1.0")
FIRST = {
    "runbook": "RUN-001",
    "title": "Disk is full",
    "severity": "P2",
    "runbook_sha256": "aa",
    "playbook_sha256": "bb",
    "inputs": {"a": 1},
    "steps": [
        {"id": "look", "name": "Look", "effect": "read", "verify": ["It is there", "A person agrees"]},
        {"id": "act", "name": "Act", "effect": "change", "verify": ["It is done"], "place": "RUN-001.yml:12"},
    ],
    "undo": [{"id": "undo-act", "name": "Undo: Act", "effect": "change", "verify": ["It is gone"]}],
}


def record(at, kind, step=None, host=None, /, *, run=RUN, **data):
    """A record of what happened `at` seconds after the start."""
    return Record(
        seq=int(at),
        time=STARTED + timedelta(seconds=at),
        monotonic=100.0 + at,
        boot="boot-1",
        type=kind,
        run=run,
        step=step,
        host=host,
        data=data,
        actor=ACTOR,
        truncated=False,
        hash="ab" * 32,
    )


def records(*happened, first=FIRST, run=RUN):
    """The start of a run, and a record for each (type, step, host, data) after it, a second apart."""
    told = [(EventType.RUN_STARTED, None, None, first), *happened]
    return [record(at, kind, step, host, run=run, **data) for at, (kind, step, host, data) in enumerate(told)]


def moved(made, **changes):
    """The record with `changes`."""
    return replace(made, **changes)


def done(step="act", host="one", outcome="passed", **action):
    """A step that is begun, done, verified and ended."""
    return [
        (EventType.STEP_INTENDED, step, host, {}),
        (EventType.ACTION_FINISHED, step, host, {"part": "action", "outcome": outcome, **action}),
        (EventType.STEP_FINISHED, step, host, {"outcome": outcome}),
    ]


def aimed(*hosts):
    """That the run knows its hosts."""
    return (EventType.TARGET_RESOLVED, None, None, {"environment": "staging", "hosts": list(hosts)})


def ended(outcome="passed", **data):
    """That it is over."""
    return (EventType.RUN_FINISHED, None, None, {"outcome": outcome, **data})


def again(**data):
    """That a command goes on with it, or takes it back."""
    return (EventType.RUN_RESUMED, None, None, {**FIRST, **data})


def reopened(step="act", *hosts, redo=True):
    """That what is known of a step no longer counts."""
    return (EventType.STEP_REOPENED, step, None, {"parts": ["action"], "hosts": list(hosts or ["one"]), "redo": redo})
