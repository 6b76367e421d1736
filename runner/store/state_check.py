"""Whether the audit log and the state directory tell the same of each run, file by file."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.events import EventType
from runner.store import manifest
from runner.store.log.envelope import Record
from runner.store.run_state import STATE, RunDirectory, RunState
from runner.store.state_directory import StateDirectory

_BEGINS = frozenset({EventType.RUN_STARTED, EventType.RUN_RESUMED})
_ENDS = frozenset({EventType.RUN_FINISHED, EventType.RUN_REFUSED, EventType.RUN_ABANDONED})


@dataclass
class _Logged:
    """What the log has of one run: whether it began, its latest end, and the digests of its files."""

    began: bool = False
    ended: bool = False
    manifest: str = ""
    evidence: dict[str, str] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        if record.type in _BEGINS:
            self.began, self.ended, self.manifest = True, False, ""
        elif record.type in _ENDS:
            self.ended = True
        elif record.type == EventType.RUN_FILED:
            self.manifest = str(record.data.get("manifest_sha256"))
        evidence = record.data.get("evidence")
        if isinstance(evidence, Mapping):
            self.evidence[str(evidence.get("file"))] = str(evidence.get("sha256"))


class LoggedRuns:
    """What the log has of every run, record by record."""

    def __init__(self) -> None:
        self._runs: dict[str, _Logged] = {}

    def add(self, record: Record) -> None:
        """Take note of the next record."""
        if record.run:
            self._runs.setdefault(record.run, _Logged()).add(record)

    def disagreements(self, state: StateDirectory) -> list[str]:
        """A sentence for each thing in which `state` is not as the log says; a run in progress is no such thing."""
        directories = {run.path.name: run for run in state.runs()}
        begun = {run for run, logged in self._runs.items() if logged.began}  # of others only pages are recorded
        gone = sorted(_gone(state.runs_path / run) for run in begun - directories.keys())
        return [*gone, *(line for name, run in directories.items() for line in _of_run(run, self._runs.get(name)))]


def _gone(path: Path) -> str:
    what = f"{path / STATE} is gone" if path.is_dir() else f"{path} is gone"
    return f"{what}, though the log tells of that run"


def _of_run(run: RunDirectory, logged: _Logged | None) -> Iterator[str]:
    name = run.path.name
    try:
        state = run.state
    except InvalidInputError as error:
        yield error.message
        return
    if logged is None or not logged.began:
        if _died_first(run, state, logged):
            return
        yield f"the log does not hold the run {name}, of which {run.path} tells: records were removed"
        return
    going_on = state.status == "running" and (not logged.manifest or run.live)
    if not going_on and not logged.ended:
        yield f"the log does not hold the end of the run {name}, which {state.status}: records were removed"
    elif not going_on and not logged.manifest:
        yield f"the log does not hold what the run {name} has left in {run.path}: its last record was removed"
    if logged.manifest and not going_on:
        yield from manifest.differences(run.path, logged.manifest)
    else:
        yield from _evidence(run.path, logged.evidence)


def _died_first(run: RunDirectory, state: RunState, logged: _Logged | None) -> bool:
    """Whether the command died before the first record of the run, or has not come to it; then nothing was done."""
    recovered = state.status == "abandoned" and logged is not None and logged.ended
    return (state.status == "running" or recovered) and manifest.is_untouched(run.path)


def _evidence(run: Path, expected: Mapping[str, str]) -> Iterator[str]:
    for name, sha256 in expected.items():
        if manifest.digest(run / name) != sha256:
            yield f"the evidence {run / name} is not what the log says: it was edited or removed"
