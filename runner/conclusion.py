"""How a run ends: who is called or told that it is over, the exit code, what is left to do, and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from runner.control import Control
from runner.definition.model import FollowUp
from runner.definition.step import HandOver
from runner.errors import ExitCode, RunbookError
from runner.events import EventType, Outcome
from runner.execution.tags import undo_id
from runner.execution.undo_plan import standing
from runner.paging import Pager
from runner.record import report
from runner.record.audit_log import read
from runner.record.manifest import file_run
from runner.record.run_state import RunState
from runner.request import Result

_CODES = {
    Outcome.PASSED: ExitCode.DONE,
    Outcome.PLANNED: ExitCode.DONE,
    Outcome.UNDONE: ExitCode.DONE,
    Outcome.ABORTED: ExitCode.DENIED,
    Outcome.UNREACHABLE: ExitCode.UNREACHABLE,
}
_STAY = frozenset({Outcome.PASSED, Outcome.UNDONE, Outcome.PARTLY_UNDONE})
"""What stays the outcome though somebody has asked the run to stop."""


def conclude(
    control: Control, pager: Pager, *, outcome: Outcome, error: RunbookError | None, handed_over: bool = False
) -> Result:
    """Call or resolve, record the end, and write the report of a run that came to `outcome`, or to `error`.

    A step that was handed over calls nobody: whoever takes over does if it fails as well.
    """
    if control.request.looks and outcome is Outcome.PASSED:
        outcome = Outcome.PLANNED  # whatever it found, nothing was done: it proves nothing and resolves nothing
    if outcome is Outcome.PASSED:
        pager.passed()
    elif outcome is not Outcome.UNDONE:  # what is taken back is not resolved, and calls nobody either
        _call(control, pager, outcome, handed_over=handed_over)
    if control.cancelled and outcome not in _STAY:
        outcome = Outcome.ABORTED
    code = _exit_code(control, pager, outcome, error)
    left = map(str, standing(control.runbook, control.ledger, control.taken_back))
    problems = [*([error.message] if error else []), *left, *partial(control, outcome), *pager.problems()]
    follow_up = [item if isinstance(item, str) else item.do for item in _due(control, pager, outcome)]
    finished = {"exit_code": int(code), "follow_up": follow_up, "problems": problems}
    control.journal.note(EventType.RUN_FINISHED, outcome=outcome, **finished)
    now = control.around.clock().wall.isoformat()
    table = control.ledger.table()
    path = _report(control, problems)
    end = {"status": "finished", "outcome": outcome, "finished": now}
    file_run(control.directory, control.journal.log, **end, steps=table, private=())
    hint = error.hint if error else ""
    return Result(control.request.run_id, outcome, code, path, control.journal.log.path, tuple(problems), hint)


def refuse(control: Control, before: RunState, error: RunbookError) -> Result:
    """The end of an attempt to go on with a run, or to take it back, that was refused: the run stays as it was."""
    control.journal.close()
    code = ExitCode.INTERRUPTED if control.cancelled else error.exit_code
    control.journal.note(EventType.RUN_REFUSED, outcome=before.outcome, reason=error.message, exit_code=int(code))
    outcome, path = Outcome(before.outcome or Outcome.UNKNOWN), _report(control, [])
    kept = {field.name: getattr(before, field.name) for field in fields(before)}
    file_run(control.directory, control.journal.log, **{**kept, "steps": control.ledger.table()})
    return Result(before.run, outcome, code, path, control.journal.log.path, (error.message,), error.hint)


def _call(control: Control, pager: Pager, outcome: Outcome, *, handed_over: bool) -> None:
    """Call somebody for the steps that failed, or for the undos that did, if the policy says so."""
    if control.request.looks or (control.cancelled and not control.declared):
        return
    names = undo_id if outcome is Outcome.PARTLY_UNDONE else str
    failed = [step for step in control.runbook.procedure if control.ledger.failed_on(names(step.id))]
    calls = [step for step in failed if not (handed_over and isinstance(step.on_failure, HandOver))]
    pager.stopped(calls, control.declared)


def partial(control: Control, outcome: Outcome) -> list[str]:
    """A sentence for a run that passed on some of its hosts only."""
    names = control.target.names if control.target else ()
    lost = [name for name in names if name in control.lost]
    passed = [name for name in names if name not in lost and _has_passed(control, name)]
    if not (lost and passed) or outcome in _STAY:
        return []
    return [f"partial: passed on {_listed(passed)}; failed on {_listed(lost)}"]


def _has_passed(control: Control, host: str) -> bool:
    entries = [entry for (_, where), entry in control.ledger.entries.items() if where == host]
    return all(entry.outcome is Outcome.PASSED for entry in entries)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"  # noqa: PLR2004


def _report(control: Control, problems: list[str]) -> Path:
    """Where the report was written; where that fails, the run is recorded all the same."""
    try:
        told = report.summarise(read(control.journal.log.path, run=control.request.run_id))
        return report.write(told, control.directory.path)
    except OSError as error:
        problems.append(f"no report: {error.strerror}; runbook show {control.request.run_id} prints it")
        return control.directory.path


def _due(control: Control, pager: Pager, outcome: Outcome) -> list[FollowUp | str]:
    if outcome is Outcome.PLANNED:
        return []
    passed = outcome is Outcome.PASSED
    true = {None: True, "escalated": bool(pager.told), "passed": passed, "failed": not passed}
    return [item for item in control.runbook.follow_up if isinstance(item, str) or true[item.if_]]


def _exit_code(control: Control, pager: Pager, outcome: Outcome, error: RunbookError | None) -> ExitCode:
    if pager.problems():
        return ExitCode.PAGING
    if control.cancelled and outcome is Outcome.ABORTED:
        return ExitCode.INTERRUPTED
    if outcome is Outcome.PARTLY_UNDONE:
        return ExitCode.INTERRUPTED if control.cancelled else ExitCode.PARTLY_UNDONE
    if error:
        return error.exit_code
    if outcome not in _STAY and pager.told:
        return ExitCode.ESCALATED
    return _CODES.get(outcome, ExitCode.FAILED)
