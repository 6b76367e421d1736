"""The runs that commands list, as the audit log tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.cli import context
from runner.core.errors import InvalidInputError
from runner.render.history.run_history import RunHistory, histories
from runner.store.log.audit_log import read
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory


@dataclass(frozen=True)
class Row:
    """One run; `kind` tells a real one from one that only looks, `outcome` is empty until it has ended.

    `history` is None where it died before anything was recorded.
    """

    run: str
    runbook: str
    kind: str
    status: str
    outcome: str
    environment: str
    user: str
    started: str
    history: RunHistory | None = None

    @property
    def live(self) -> bool:
        """Whether it is going on."""
        return self.status == "running"

    @property
    def undelivered(self) -> list[str]:
        """The contacts that a page did not reach."""
        return list(self.history.unreached) if self.history else []

    @property
    def parent(self) -> str:
        """The run from which it took over."""
        return self.history.parent if self.history else ""

    @property
    def children(self) -> list[str]:
        """The runs that took over from it."""
        return list(self.history.children) if self.history else []

    def as_data(self) -> Mapping[str, Any]:
        """The same as JSON has it."""
        return {name: getattr(self, name) for name in _SHOWN}


_SHOWN = (
    *(
        "run",
        "runbook",
        "kind",
        "status",
        "outcome",
        "environment",
        "user",
        "started",
        "parent",
        "children",
        "undelivered",
    ),
)


def rows(state: StateDirectory) -> list[Row]:
    """Every run, oldest first; the log is read once.

    Raises:
        AuditError: the audit log is broken or gone.
    """
    found = {run.run: _recorded(run) for run in _histories(state)}
    unrecorded = (run.state for run in state.runs() if run.path.name not in found)
    return sorted([*found.values(), *map(_unrecorded, unrecorded)], key=lambda row: row.run)


def _histories(state: StateDirectory) -> list[RunHistory]:
    try:
        return list(histories(read(context.audit_log(state)), now=context.clock()))
    except InvalidInputError:  # nothing was done yet
        return []


def _recorded(run: RunHistory) -> Row:
    outcome = "" if run.status == "running" else run.outcome
    started = run.started.isoformat(timespec="seconds")
    return Row(run.run, run.runbook, run.kind, run.status, outcome, run.environment, run.user, started, run)


def _unrecorded(state: RunState) -> Row:
    return Row(
        state.run,
        state.runbook,
        state.kind,
        state.status,
        state.outcome,
        state.environment,
        state.user,
        state.started,
    )
