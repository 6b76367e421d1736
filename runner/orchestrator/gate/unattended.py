"""A run that asks nobody: no machine vouches for what a person does or sees, unless the step says that it may."""

from __future__ import annotations

from runner.compiler.segments import after, before
from runner.core.errors import DeniedError
from runner.executor.target import Target
from runner.model.runbook import Runbook

_VOUCHES = frozenset({"manual", "confirm"})
"""What only a person can know, in any environment; an approval is for a person in production."""


def check(runbook: Runbook, target: Target) -> None:
    """That `runbook` may run against `target` without asking anybody.

    Raises:
        DeniedError: it may not; the message names every question that is for a person.
    """
    kinds = _VOUCHES | ({"approve", "choose"} if target.environment == "production" else set())
    gates = [gate for step in runbook.procedure if not step.auto for gate in (*before(step), *after(step))]
    if asked := [gate for gate in gates if gate.kind in kinds]:
        questions = "; ".join(f"{gate.step.id} ({gate.kind}: {gate.text.splitlines()[0]})" for gate in asked)
        raise DeniedError(
            f"--auto asks nobody, and in {target.environment} these questions are for a person: {questions}",
            hint="leave --auto out, or write `auto: true` in the steps that a machine may answer for",
        )
