"""What is written down of a run before anything of it is done: its state on disk, and its first record."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from runner.compiler.step_digests import step_digests
from runner.core import duration
from runner.core.step_tags import undo_id
from runner.core.wording import listed
from runner.escalation import policy
from runner.escalation.ladder import levels
from runner.executor.provenance import provenance
from runner.kinds.steps.base import StepKind
from runner.library.runbook_source import Source
from runner.model.procedure.step_numbers import labels
from runner.model.step import BranchLabel, Step
from runner.model.verification import Verification
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import RunEnvironment
from runner.store.run_state import RunState


def first_state(request: RunRequest, env: RunEnvironment) -> RunState:
    """The state of a run that is about to begin; its reason and inputs wait until the inventory's secrets are known."""
    runbook = request.source.runbook
    return RunState(
        run=request.run_id,
        runbook=runbook.id,
        title=runbook.title,
        started=env.clock().wall.isoformat(),
        user=env.actor.user,
        inventories=tuple(map(str, request.inventories)),
        limit=request.limit,
        named=request.named,
        hosts=":".join(dict.fromkeys([*map(runbook.hosts_of, runbook.every_step), *runbook.delegates])),
        becomes=any(step.users for step in runbook.every_step),
        path=str(request.source.path.resolve()),
        sha256=request.source.sha256,
        playbook_sha256=request.playbook_sha256,
        mode=request.mode,
        parent=request.parent,
        tree=request.tree or request.run_id,
        called=request.called,
        drill=request.drill,
    )


def described(request: RunRequest, env: RunEnvironment) -> dict[str, Any]:
    """What the first record says of the run, so that the log explains itself when the files have changed.

    Why it is done, and with which inputs, is recorded by itself: they may hold a secret that is not known before the
    inventory has been read.
    """
    place = partial(_place, request.source)
    root = request.library.root if request.library else request.source.path.resolve().parent.parent
    runbook = request.source.runbook
    undone = [step for step in runbook.steps if step.undo or step.runs]
    digests = {step: {"digest": digest} for step, digest in step_digests(request.source).items()}
    branches = _in_branches(runbook.steps)
    return {
        "runbook": runbook.id,
        "title": runbook.title,
        "category": str(runbook.category),
        "severity": runbook.severity,
        "runbook_sha256": request.source.sha256,
        "playbook_sha256": request.playbook_sha256,
        "inventories": list(map(str, request.inventories)),
        "limit": request.limit,
        "mode": request.mode,
        "parent": request.parent,
        **({"called": True} if request.called else {}),
        **({"drill": True} if request.drill else {}),
        "budget": _budget(request),
        "provide": list(runbook.escalation.provide),
        **_ladder(request),
        **({"inputs": secrets} if (secrets := _from_environment(request)) else {}),
        "directory": str(env.state.runs_path / request.run_id),
        "provenance": provenance(root, request.playbook, env.environ)
        | ({"program": env.program} if env.program else {}),
        "steps": [
            _in_words(step.id, step, step.name, step.verify)
            | branches.get(step.id, {})
            | place(step.id)
            | digests.get(step.id, {})
            for step in runbook.every_step
        ],
        "undo": [
            _in_words(undo_id(step.id), step, f"Undo: {step.name}", step.undo.verify if step.undo else ())
            | place(step.id, "undo")
            for step in undone
        ],
    }


def _place(source: Source, *at: str) -> dict[str, str]:
    """Where a step is written, for who looks for what failed."""
    return {"place": place} if (place := source.place_of(*at)) else {}


def _from_environment(request: RunRequest) -> dict[str, str]:
    """Its secrets that are in the environment, by reference: whoever goes on before more is recorded needs them."""
    references = {name: str(request.inputs.get(name, "")) for name in sorted(request.source.runbook.secrets)}
    return {name: reference for name, reference in references.items() if reference.startswith("env:")}


def _ladder(request: RunRequest) -> dict[str, list[str]]:
    """Who is called after whom while nobody acknowledges, a line for each level; nothing where all are at once."""
    policy = request.source.runbook.escalation
    if policy.next_after is None:
        return {}
    after = f", {duration.show(policy.next_after)} after the level before"
    lines = [f"{each.name} {listed(each.contacts)}" for each in levels(policy.contacts, request.contacts)]
    return {"ladder": [*lines[:1], *(f"{line}{after}" for line in lines[1:])]}


def _budget(request: RunRequest) -> float | None:
    """Seconds in which it should be done: until the deadline, or until somebody is called."""
    runbook = request.source.runbook
    return runbook.deadline.total_seconds() if runbook.deadline else policy.patience(runbook.escalation)


def _in_words(name: str, step: Step, title: str, verify: Sequence[Verification]) -> dict[str, Any]:
    action = step.undo.action if step.undo and name == undo_id(step.id) else step.action
    does = {"does": _does(step, action)} if action else {}
    does |= {"only_if": step.only_if} if step.only_if and name == step.id else {}
    judged = {"judged": [item.how for item in verify]} if any(item.how for item in verify) else {}
    return {
        "id": name,
        "name": title,
        "effect": str(step.effect),
        "verify": [item.says for item in verify],
        **judged,
        **does,
    }


def _in_branches(steps: Sequence[Step]) -> dict[str, dict[str, Any]]:
    """The number of each step where some belong to a diagnosis, and what such a step is there for."""
    numbered = zip(steps, labels(steps), strict=True) if any(step.branch for step in steps) else ()
    return {step.id: {"number": label, **(_in_branch(step.branch) if step.branch else {})} for step, label in numbered}


def _in_branch(branch: BranchLabel) -> dict[str, Any]:
    said = {"branch": branch.condition, "branches": dict(branch.branches), "asks": branch.asks, "stops": branch.stops}
    return {name: value for name, value in said.items() if value}


def _does(step: Step, action: StepKind) -> str:
    """What the step does as it is written, with all that decides what happens, a line for each."""
    if step.branch and (step.branch.decides or step.branch.stops):
        return step.branch.stops or "\n".join(f"{letter} {when}" for letter, when in step.branch.branches.items())
    lines = [action.describe(), *action.details()]
    lines += [step.each.describe()] if step.each else []
    lines += [f"on {step.on}"] if step.on else []
    lines += [f"become {step.become_user or 'root'}"] if step.become or step.become_user else []
    return "\n".join(lines)
