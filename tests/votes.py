"""A question that was put at the start of the clock, by alice, and votes on it."""

from __future__ import annotations

from fakes import RUN_ID, Clock

from runner.record.question import Question, Vote

PEOPLE = ("alice", "bob", "carol", "dave")
START = Clock()()


def question(**changes):
    about = {"run": RUN_ID, "runbook": "RUN-001", "title": "A trial", "step": "act", "kind": "approve", "text": "Go?"}
    told = {"hosts": ("db1",), "commands": {"db1": "rm -r /old"}, "inputs": {"count": 1}, "subject": "s1"}
    return Question(**{**about, **told, "starters": ("alice",), "asked": START, "expires": 60.0, **changes})


def vote(by, *, yes=True, subject="s1"):
    return Vote(by, by, yes, subject, START.wall.isoformat())
