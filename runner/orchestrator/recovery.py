"""Runs whose command died: named as abandoned, and what they left running ended, here and on their hosts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.core.errors import AuditError, RunbookError
from runner.core.events import Event, EventType, Outcome
from runner.executor.job import AbandonedRun
from runner.orchestrator.continuation.resumption import restore
from runner.orchestrator.end import aftermath
from runner.orchestrator.end.aftermath import EndedRun
from runner.orchestrator.end.dead_man import request_of
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.run_environment import Installation
from runner.orchestrator.run_plan import target_of
from runner.render import report
from runner.render.history.run_history import history
from runner.store.log import record_data
from runner.store.log.audit_log import AuditLog
from runner.store.log.envelope import Record
from runner.store.log.log_reader import read
from runner.store.manifest import changed, file_run
from runner.store.run_state import STATE, RunDirectory, RunState
from runner.store.state_directory import StateDirectory

_ENDS = frozenset({EventType.RUN_PASSED, EventType.RUN_FINISHED, EventType.RUN_REFUSED})
_TURNS = frozenset({EventType.RUN_STARTED, EventType.RUN_RESUMED, *_ENDS})
"""What says whether the command that did a run last had come to its end."""

_ATTEMPT_ENDS = frozenset({EventType.ACTION_FINISHED, EventType.ATTEMPT_FINISHED})
_OPEN = frozenset({Outcome.UNKNOWN, Outcome.UNREACHABLE})
"""How an attempt ends that may still be at it on its host."""


def recorded_end(state: StateDirectory, run: str) -> Record | None:
    """The record by which `run` is over, whatever its state says: that may not have been saved, on a full disk.

    None where the run goes on, or died, or its records cannot be read.
    """
    with suppress(RunbookError):
        return _end_in(read(state.log_path, run=run))
    return None


def _end_in(records: Iterable[Record]) -> Record | None:
    """The record by which a run is over, in the `records` of it."""
    last = next((record for record in reversed([*records]) if record.type in _TURNS), None)
    return last if last and last.type in _ENDS else None


def name_abandoned(installation: Installation, unsaved: list[str] | None = None) -> Iterator[RunState]:
    """Each run that calls itself running though its command is dead, once it is recorded as abandoned.

    One that has passed, and died before all had heard of that, is given as finished; its end is recorded after that.

    It is filed as such when the next one is asked for: whoever dies before it has called somebody finds it again. Why
    the state of a run that is over cannot be saved goes to `unsaved`.

    Raises:
        AuditError: that cannot be recorded; the run stays as it was.
    """
    directory, clock, actor = installation.state, installation.clock, installation.actor
    for run in directory.dead():
        try:
            state = run.state
            if state.status != "running":  # another command was faster
                continue
            run.give_room()
            with directory.open_log(clock=clock, actor=actor) as log:
                records = list(read(log.path, run=state.run))
                if _is_edited(run, records):  # `audit verify` names it, as long as nobody files it anew
                    continue
                end = _end_in(records)  # it was done, and died before it could say so here, or found no room
                if end and end.type != EventType.RUN_PASSED:
                    _file_ended(run, log, end.data["outcome"], [] if unsaved is None else unsaved)
                    continue
            if end:  # and died while it told people so
                yield replace(state, status="finished", outcome=end.data["outcome"])
                _finish_passed(run, end, installation)
                continue
            abandoned = _left_by(state, _unfinished(records))
            installation.executor.clean_up(abandoned, environ=installation.environ)
            abandonment: dict[str, Any] = {
                "status": "abandoned",
                "outcome": Outcome.UNKNOWN,
                "finished": clock().wall.isoformat(),
                "private": (),
            }
            with directory.open_log(clock=clock, actor=actor) as log:
                if not _is_named(records):
                    ended = _end_of_dead(state, records, log, installation)
                    data = {"outcome": Outcome.UNKNOWN, "runbook": state.runbook, **ended}
                    log.append(Event(EventType.RUN_ABANDONED, state.run, data=data))
            yield replace(run.state, **abandonment)
            _write_report(run, log.path)
            with directory.open_log(clock=clock, actor=actor) as log:
                file_run(run, log, **abandonment)
        finally:
            run.release()


def _is_named(records: Sequence[Record]) -> bool:
    """Whether a run is recorded as abandoned already, which could then not be filed."""
    turns = [record.type for record in records if record.type in {*_TURNS, EventType.RUN_ABANDONED}]
    return turns[-1:] == [EventType.RUN_ABANDONED]


def _file_ended(run: RunDirectory, log: AuditLog, outcome: str, unsaved: list[str]) -> None:
    try:
        file_run(run, log, status="finished", outcome=outcome, private=())
    except AuditError as error:
        how = f"the run {run.path.name} has ended ({outcome}), and its state cannot be saved"
        unsaved.append(f"{how}: {error.message}; {error.hint}")


def _finish_passed(run: RunDirectory, passed: Record, installation: Installation) -> None:
    """Record the end of a run that had `passed`, and died before it could."""
    with installation.state.open_log(clock=installation.clock, actor=installation.actor) as log:
        problem = "its command died while it told people that it had passed; a later command has finished that"
        problems = [*record_data.items(passed.data, "problems"), problem]
        log.append(Event(EventType.RUN_FINISHED, run.path.name, data={**passed.data, "problems": problems}))
        _write_report(run, log.path)
        finished = installation.clock().wall.isoformat()
        file_run(run, log, status="finished", outcome=passed.data["outcome"], finished=finished, private=())


def _end_of_dead(
    state: RunState, records: Sequence[Record], log: AuditLog, installation: Installation
) -> Mapping[str, Any]:
    """How a run ended whose command died, as far as its `records` tell, in the words of any other end.

    Nothing where its runbook cannot be read, or is another one by now: it is dead all the same.
    """
    with suppress(Exception):
        request = request_of(state)
        recorder = Recorder(state.run, log, installation.state.run(state.run), installation.clock)
        plan = restore(request, state, recorder, records) if state.target else None
        recorder.ledger.close()  # in memory: whoever goes on with the run must find it as open as it was left
        run = EndedRun(request, plan, recorder, (), ())
        standing = {} if request.looks else aftermath.standings(run)
        attempts = [record for record in records if record.type in {EventType.RUN_STARTED, EventType.RUN_RESUMED}]
        undoing = bool(attempts and attempts[-1].data.get("take_back"))
        ways_on = aftermath.ways_on(run, Outcome.UNKNOWN, undoing=undoing)
        return aftermath.recorded(aftermath.died(run), standing, ways_on)
    return {}


def end_of_dead(state: RunState, installation: Installation) -> Event:
    """How a run ended whose command died, as its record would say it if it could be written, or is written already."""
    data: dict[str, Any] = {"outcome": Outcome.UNKNOWN, "runbook": state.runbook}
    with suppress(RunbookError), installation.open_log() as log:
        data |= _end_of_dead(state, list(read(log.path, run=state.run)), log, installation)
    return Event(EventType.RUN_ABANDONED, state.run, data=data)


def _write_report(run: RunDirectory, log: Path) -> None:
    """Write the report of a run, and its hand-off if somebody was called; one that cannot be written can be shown."""
    with suppress(RunbookError, OSError, ValueError):
        report.write(history(read(log, run=run.path.name)), run.path)


def write_reports_anew(installation: Installation, name: str) -> None:
    """Write the report and the hand-off of the run `name` anew, as more was recorded of it since it ended.

    One that goes on, or was not recovered, does so at its end; one of which a file was edited stays as it is, as
    `audit verify` is to name that. What cannot be written can be shown.
    """
    run = installation.state.directory(name)
    with suppress(RunbookError, OSError, ValueError):
        run.hold()
        try:
            records = list(read(installation.state.log_path, run=name))
            if run.state.status != "running" and not _is_edited(run, records):
                with installation.open_log() as log:
                    report.write(history(records), run.path)
                    file_run(run, log)
        finally:
            run.release()


def _is_edited(run: RunDirectory, records: Sequence[Record]) -> bool:
    """Whether files of a run that has ended are not as they were filed then; its state alone is saved after that."""
    last = next((record for record in reversed(records) if record.type in {*_TURNS, EventType.RUN_FILED}), None)
    if last is None or last.type != EventType.RUN_FILED:
        return False
    return any(name != STATE for name in changed(run.path, last.data["manifest_sha256"]))


def _unfinished(records: Iterable[Record]) -> Mapping[str, Sequence[str]]:
    """The markers of the attempts that were begun on each host and whose end is not recorded, or is not known."""
    begun: dict[tuple[str, str], tuple[str, str]] = {}
    for record in records:
        if not (record.step and record.host):
            continue
        if record.type == EventType.STEP_INTENDED:
            on = record.data.get("on", record.host)  # it may be done elsewhere for that host
            begun[record.host, record.step] = on, record.data.get("attempt", "")
        elif record.type in _ATTEMPT_ENDS and record.data.get("outcome", Outcome.UNKNOWN) not in _OPEN:
            begun.pop((record.host, record.step), None)
    hosts: dict[str, list[str]] = {}
    for on, attempt in begun.values():
        hosts.setdefault(on, []).append(attempt)
    return hosts


def _left_by(state: RunState, attempts: Mapping[str, Sequence[str]]) -> AbandonedRun:
    """On every host that it had named something may be left: what looks at one carries no marker of an attempt."""
    return AbandonedRun(
        state.run,
        state.inventories,
        state.hosts,
        state.becomes,
        {host: attempts.get(host, ()) for host in target_of(state).reached},
        [Path(path) for path in state.private],
    )
