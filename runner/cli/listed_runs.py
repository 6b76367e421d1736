"""The runs that commands list: as the audit log tells of them, and those that died before anything was recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from runner.cli import context
from runner.core.errors import InvalidInputError
from runner.render.history.recorded_runs import RecordedRuns, RunSummary
from runner.render.history.run_history import RunHistory
from runner.store.run_state import RunState
from runner.store.state_directory import StateDirectory

_COLUMNS = ("run", "runbook", "kind", "status", "outcome", "environment", "user", "started")
_OTHERS = ("parent", "children", "undelivered")


def as_data(run: RunSummary) -> Mapping[str, Any]:
    """The run as JSON has it in a list."""
    data = {name: getattr(run, name) for name in (*_COLUMNS, *_OTHERS)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


@dataclass(frozen=True)
class ListedRuns:
    """Every run of a state directory, by its id, oldest first; `recorded` is None where nothing was recorded yet."""

    state: StateDirectory
    recorded: RecordedRuns | None

    def all(self) -> list[RunSummary]:
        """Each run."""
        return self._rows(self._names())

    def latest(self, number: int) -> list[RunSummary]:
        """The latest runs, at most that `number`, and whatever else is going on."""
        names = self._names()
        newest = names[-number:]
        may_be_live = {*names} if self.recorded is None else {*names} - self.recorded.settled
        return [row for row in self._rows({*newest, *may_be_live}) if row.live or row.run in newest]

    def one(self, run: str) -> RunSummary:
        """The run of that id, which is there."""
        return self._rows({run})[0]

    def history(self, run: RunSummary) -> RunHistory | None:
        """What happened in `run`; None where it died before anything was recorded."""
        return self.recorded.history(run.run) if self.recorded else None

    def earlier(self, run: RunHistory, number: int) -> list[RunHistory]:
        """The latest other runs of the same runbook that did not only look, at most that `number`, oldest first."""
        return self.recorded.latest(run.runbook, number, but=run.run) if self.recorded else []

    def _names(self) -> list[str]:
        return sorted({*(self.recorded.names if self.recorded else ()), *self.state.names()})

    def _rows(self, names: Collection[str]) -> list[RunSummary]:
        found = self.recorded.summaries(names) if self.recorded else []
        unrecorded = {*names} - {run.run for run in found}
        found += [_unrecorded(self.state.run(name).state) for name in self.state.names() if name in unrecorded]
        return sorted(found, key=lambda run: run.run)


@contextmanager
def listed_runs(state: StateDirectory) -> Iterator[ListedRuns]:
    """The runs of `state`.

    Raises:
        AuditError: the audit log is broken or gone.
    """
    try:
        log = context.audit_log(state)
    except InvalidInputError:  # nothing was done yet
        yield ListedRuns(state, None)
        return
    with RecordedRuns.opened(log, now=context.clock()) as recorded:
        yield ListedRuns(state, recorded)


def _unrecorded(state: RunState) -> RunSummary:
    return RunSummary(
        state.run,
        state.runbook,
        state.kind,
        state.status,
        state.outcome,
        state.environment,
        state.user,
        state.started,
    )
