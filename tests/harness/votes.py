"""A question that was put at the start of the clock, by alice, and votes on it."""

from __future__ import annotations

from harness.fakes import RUN_ID, Clock
from runner.approvals.gate_context import GateContext, HostAction
from runner.approvals.question import Question, Vote

PEOPLE = ("alice", "bob", "carol", "dave")
START = Clock()()


def context(**changes):
    """What is asked: whether the old files may be removed on one host."""
    action = HostAction("db1:22", text="rm -r /old", call={"module": "command", "args": {"argv": ["rm", "-r", "/old"]}})
    defaults = {"run": RUN_ID, "runbook": "RUN-001", "title": "A trial", "gate": "act-approve-0", "kind": "approve"}
    told = {"step": "act", "name": "Remove them", "text": "Go?", "environment": "staging", "starters": ("alice",)}
    return GateContext(
        **{**defaults, **told, "hosts": {"db1": action}, "inputs": {"count": 1}, "expires": 60.0, **changes}
    )


def question(*, number=0, verdict="open", **changes):
    return Question(context(**changes), START, number, verdict)


def vote(by, *, yes=True, to=None, login=None):
    return Vote(by, login or by, yes, (to or question()).subject, START.wall.isoformat())
