"""What is written down of a run before anything of it is done: its state on disk, and its first record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runner import escalation
from runner.definition.step import Step
from runner.definition.verification import Verification
from runner.execution.digests import step_digests
from runner.execution.tags import undo_id
from runner.record.run_state import RunState
from runner.request import Request, Surroundings


def first_state(request: Request, around: Surroundings) -> RunState:
    """The state of a run that is about to begin."""
    runbook = request.source.runbook
    steps = (*runbook.procedure, *runbook.on_cancel)
    return RunState(
        run=request.run_id,
        runbook=runbook.id,
        title=runbook.title,
        started=around.clock().wall.isoformat(),
        user=around.actor.user,
        inventories=tuple(map(str, request.inventories)),
        limit=request.limit,
        hosts=":".join(dict.fromkeys(map(runbook.hosts_of, steps))),
        becomes=any(step.become or step.become_user for step in steps),
        path=str(request.source.path.resolve()),
        sha256=request.source.sha256,
        playbook_sha256=request.playbook_sha256,
        inputs=dict(request.inputs),
        mode=request.mode,
        reason=request.reason,
        break_glass=request.break_glass,
        parent=request.parent,
        tree=request.tree or request.run_id,
    )


def described(request: Request) -> dict[str, Any]:
    """What the first record says of the run, so that the log explains itself when the files have changed."""
    runbook = request.source.runbook
    undone = [(step, step.undo) for step in runbook.steps if step.undo]
    steps = (*runbook.procedure, *runbook.on_cancel)
    digests = {step: {"digest": digest} for step, digest in step_digests(runbook, request.source.read_file).items()}
    return {
        "runbook": runbook.id,
        "title": runbook.title,
        "category": str(runbook.category),
        "severity": runbook.severity,
        "runbook_sha256": request.source.sha256,
        "playbook_sha256": request.playbook_sha256,
        "inventories": list(map(str, request.inventories)),
        "limit": request.limit,
        "inputs": dict(request.inputs),
        "mode": request.mode,
        "reason": request.reason,
        "break_glass": request.break_glass,
        "parent": request.parent,
        "budget": _budget(request),
        "steps": [_in_words(step.id, step, step.name, step.verify) | digests.get(step.id, {}) for step in steps],
        "undo": [_in_words(undo_id(step.id), step, f"Undo: {step.name}", undo.verify) for step, undo in undone],
    }


def _budget(request: Request) -> float | None:
    """Seconds in which it should be done: until the deadline, or until somebody is called."""
    runbook = request.source.runbook
    return runbook.deadline.total_seconds() if runbook.deadline else escalation.patience(runbook.escalation)


def _in_words(name: str, step: Step, title: str, verify: Sequence[Verification]) -> dict[str, Any]:
    return {"id": name, "name": title, "effect": str(step.effect), "verify": [item.says for item in verify]}
