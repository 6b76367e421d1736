"""Proofs: which runbook passed where and when, as the audit log has it; nobody types when a runbook was last tested."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runner.library.last_tested import Proof
from runner.render.history.run_history import RunHistory


def proof_of(run: RunHistory) -> Proof | None:
    """What `run` proves; None when it is no proof."""
    if run.unproven or not run.ended:
        return None
    last = run.attempts[-1]
    sums = (last.runbook_sha256, last.playbook_sha256)
    return Proof(run.runbook, *sums, run.environment, run.run, run.ended, drilled=run.drill.get("verdict") == "passed")


def proofs(runs: Iterable[RunHistory]) -> Iterator[Proof]:
    """A proof for each of `runs` that is one, in their order."""
    return filter(None, map(proof_of, runs))
