"""The runs of an installation: all of them as a list, one by its id, the history of each, and what they hold or owe."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import AuditError, InvalidInputError
from runner.core.events import Clock, Instant, Outcome
from runner.core.identifiers import LAST
from runner.library.last_tested import Proof
from runner.render import report
from runner.render.history.recorded_runs import RecordedRuns, RunSummary
from runner.render.history.run_history import RunHistory, histories, history
from runner.render.run_status import MOST_RUNS, RunStatus, status, usual
from runner.store.locks.holder import Holder
from runner.store.locks.host_locks import Locks
from runner.store.log.envelope import Record
from runner.store.log.log_reader import read
from runner.store.owed_undos import OwedUndo
from runner.store.run_state import RunDirectory, RunState
from runner.store.state_directory import StateDirectory

_COLUMNS = ("run", "runbook", "kind", "status", "outcome", "environment", "user", "started")
_OTHERS = ("parent", "children", "undelivered")


def as_data(run: RunSummary) -> Mapping[str, Any]:
    """The run as JSON has it in a list."""
    data = {name: getattr(run, name) for name in (*_COLUMNS, *_OTHERS)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}


@dataclass(frozen=True)
class ListedRuns:
    """Every run of a state directory, by its id, oldest first; `recorded` is None where nothing was recorded yet.

    A run whose command died is called abandoned here, too; `recover_abandoned` records that, and ends what it left.
    """

    state: StateDirectory
    recorded: RecordedRuns | None

    def all(self) -> list[RunSummary]:
        """Each run."""
        return self._rows({*self._recorded_names(), *self._unrecorded_names()})

    def latest(self, number: int) -> list[RunSummary]:
        """The latest runs, at most that `number`, and whatever else is in progress."""
        unrecorded = self._unrecorded_names()
        newest = sorted({*self._recorded_names(), *unrecorded})[-number:]
        in_progress = self.recorded.in_progress if self.recorded else ()
        return [row for row in self._rows({*newest, *unrecorded, *in_progress}) if row.live or row.run in newest]

    def one(self, run: str) -> RunSummary:
        """The run of that id, which is there."""
        return self._rows({run})[0]

    def history(self, run: RunSummary) -> RunHistory | None:
        """What happened in `run`; None where it died before anything was recorded."""
        return self.recorded.history(run.run) if self.recorded else None

    def status(self, run: RunSummary) -> RunStatus | None:
        """Where `run` is, step by step, and how long its steps usually take; None if nothing of it was recorded."""
        history = self.history(run)
        if history is None or self.recorded is None:
            return None
        earlier = self.recorded.latest(run.runbook, MOST_RUNS, but=run.run)
        return status(history, usually=usual(earlier, run.runbook))

    def _recorded_names(self) -> Sequence[str]:
        return self.recorded.names if self.recorded else ()

    def _unrecorded_names(self) -> list[str]:
        names = {*self.state.names()}.difference(self._recorded_names())
        return [name for name in names if self.state.directory(name).exists]

    def _rows(self, names: Collection[str]) -> list[RunSummary]:
        rows = self.recorded.summaries(names) if self.recorded else []
        directories = map(self.state.directory, {*names} - {run.run for run in rows})
        rows += [_unrecorded(directory.state) for directory in directories if directory.exists]
        return [self._as_it_is(run) for run in sorted(rows, key=lambda run: run.run)]

    def _as_it_is(self, run: RunSummary) -> RunSummary:
        """`run`, as abandoned if no command executes it though it has not ended."""
        with suppress(InvalidInputError):
            if run.live and not self.state.run(run.run).live:
                return replace(run, status="abandoned")
        return run


@contextmanager
def listed_runs(state: StateDirectory, now: Instant) -> Iterator[ListedRuns]:
    """The runs of `state`; nothing is changed.

    Raises:
        AuditError: the audit log is broken or gone.
    """
    try:
        log = audit_log(state)
    except InvalidInputError:  # nothing was done yet
        yield ListedRuns(state, None)
        return
    with RecordedRuns.opened(log, now=now) as recorded:
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


def open_state(path: Path) -> StateDirectory:
    """The state directory at `path`, for who only reads it.

    Raises:
        InvalidInputError: there is none, or others may write to it.
    """
    if not os.path.lexists(path):
        hint = "the first run creates it; --state-dir or RUNBOOK_STATE names another"
        raise InvalidInputError(f"there is no state directory {path}", hint=hint)
    return StateDirectory.open(path)


def audit_log(state: StateDirectory) -> Path:
    """The log of the installation.

    Raises:
        InvalidInputError: nothing was recorded yet.
        AuditError: it is gone though runs were recorded in it.
    """
    state.check_log()
    if state.log_path.is_file() and state.log_path.stat().st_size:
        return state.log_path
    hint = "the first run creates it; --state-dir or RUNBOOK_STATE names another place"
    raise InvalidInputError(f"nothing is recorded in {state.path}", hint=hint)


def find_run(
    state: StateDirectory, name: str, *, suits: Callable[[RunDirectory], object] = lambda _: True, none: str = ""
) -> RunDirectory:
    """The run `name`; with `last` the newest of those that suit, and if there is none, an error with the words `none`.

    One that does a step of another run is never the last: that one is.

    Raises:
        InvalidInputError: there is no such run.
    """
    if name != LAST:
        return state.run(name)
    newest_first = (run for run in map(state.directory, reversed(state.names())) if run.exists)
    newest = next((run for run in newest_first if suits(run) and not _does_a_step(run)), None)
    if newest is None:
        any_run = next(state.runs(), None)
        hint = "runbook list --runs shows all of them" if any_run else ""
        raise InvalidInputError(none if any_run else "there are no runs yet", hint=hint)
    return newest


def _does_a_step(run: RunDirectory) -> bool:
    with suppress(InvalidInputError):
        return run.state.called
    return False


def run_histories(path: Path, now: Instant) -> list[RunHistory] | None:
    """Every run that the state directory at `path` has a record of; None where nothing was ever recorded.

    Raises:
        AuditError: the audit log is broken or gone: then it tells nothing, and somebody must look.
    """
    log = _log_of(path)
    return None if log is None else list(histories(read(log), now=now))


def _log_of(path: Path) -> Path | None:
    """The log of the state directory at `path`, where anything was ever recorded."""
    if not os.path.lexists(path):
        return None
    state = StateDirectory.open(path)
    try:
        return audit_log(state)
    except InvalidInputError:  # a state directory in which nothing was done yet
        return None


def run_history(state: StateDirectory, run: str, now: Instant) -> RunHistory:
    """The history of one run.

    Raises:
        AuditError: the audit log does not have it.
    """
    path = audit_log(state)
    try:
        return history(read(path, run=run), now=now)
    except ValueError:
        hint = "it died before it started, or records were removed: runbook audit verify, and compare the head"
        raise AuditError(f"the audit log {path} does not hold the start of the run {run}", hint=hint) from None


def run_report(state: StateDirectory, run: str, now: Instant, form: str = "md") -> str:
    """The report of one run in one of the formats of `render.report`: what was done, by whom, and what came of it.

    Raises:
        AuditError: as `run_history`.
    """
    return report.render(run_history(state, run, now), form)


def proven_runs(path: Path, now: Instant) -> list[Proof]:
    """A proof for each run that passed; none where nothing was ever recorded.

    Raises:
        AuditError: the audit log is broken or gone: then it proves nothing, and somebody must look.
    """
    log = _log_of(path)
    if log is None:
        return []
    with RecordedRuns.opened(log, now=now) as runs:
        return runs.proofs()


def recorded_drills(path: Path, now: Instant) -> list[Record]:
    """The record of each test of a drill, oldest first; none where nothing was ever recorded.

    Raises:
        AuditError: as `proven_runs`.
    """
    log = _log_of(path)
    if log is None:
        return []
    with RecordedRuns.opened(log, now=now) as runs:
        return runs.drills()


def held_locks(state: StateDirectory, clock: Clock) -> list[tuple[str, Holder | None]]:
    """What runs have for themselves now, and who holds it; None is somebody whose note cannot be read."""
    return Locks(state.path / "locks", clock=clock).held()


def owed_undos(state: StateDirectory, hosts: Sequence[str] | None = None) -> Sequence[OwedUndo]:
    """What was begun and should have been taken back, on every host or on `hosts`."""
    return state.owed_undos.all() if hosts is None else state.owed_undos.of(hosts)


def open_beyond(state: StateDirectory, run: RunHistory) -> list[str]:
    """Which incidents stay open though `run` has passed on some of their hosts, in a sentence each."""
    if run.outcome != Outcome.PASSED:
        return []
    from runner.escalation.incidents import Incidents  # noqa: PLC0415 - only a run that passed pays for it
    from runner.escalation.policy import dedup_key  # noqa: PLC0415

    found = Incidents(state.path / "incidents").beyond(dedup_key(run.runbook, run.environment, run.hosts), run.hosts)
    return [each.stays_open for each in found if each.run < run.run]
