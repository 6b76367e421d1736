"""How a run ends, whatever was raised: people are called or told, the end is recorded, the report is written."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from runner.core.errors import (
    AuditError,
    DefectError,
    DeniedError,
    ExitCode,
    GuardError,
    HandOverError,
    InvalidInputError,
    LockedError,
    RunbookError,
    StoppedError,
    UnreachableError,
    explain,
)
from runner.core.events import EventType, Outcome
from runner.core.step_tags import undo_id
from runner.model.runbook import FollowUp
from runner.model.step import HandOver, Step
from runner.orchestrator.continuation.undo_plan import standing
from runner.orchestrator.end import aftermath
from runner.orchestrator.end.paging import Pager
from runner.orchestrator.request import Child, Result
from runner.orchestrator.run_context import Control
from runner.render import report
from runner.render.history.run_history import history
from runner.store.log.log_reader import read
from runner.store.manifest import file_run
from runner.store.run_state import RunState

_CODES = {Outcome.ABORTED: ExitCode.DENIED, Outcome.UNREACHABLE: ExitCode.UNREACHABLE}
_RESOLVED = frozenset({Outcome.PASSED, Outcome.HANDED_OVER})
"""What ends the incident."""
_WELL = frozenset({*_RESOLVED, Outcome.PLANNED, Outcome.UNDONE})
_STAY = frozenset({*_WELL, Outcome.PARTLY_UNDONE})
"""What stays the outcome though somebody has asked the run to stop."""
_LOST = frozenset({Outcome.UNREACHABLE, Outcome.UNKNOWN})
_TRACEBACK = "defect.txt"

Value = TypeVar("Value")


class Ending:
    """The end of one run, which comes whatever is raised: `attempt` what is to be done, then `conclude`.

    `error` is the first thing that was raised by what was done, in words for a person; `problems` are sentences about
    what went wrong besides, which changes nothing of the outcome. Each part of the end is made on its own, and twice if
    it must be, so that neither a defect nor an interrupt takes the others away. `children` are the runs that took over.
    """

    def __init__(self, control: Control, pager: Pager) -> None:
        self.control, self.pager = control, pager
        self.error: RunbookError | None = None
        self.problems: list[str] = []
        self.children: list[Child] = []
        self._made: set[str] = set()

    def took_over(self, child: Child) -> None:
        """`child` took over and has ended: whoever it has called was called for this run as well."""
        self.children.append(child)
        self.pager.calls += child.result.calls

    def attempt(self, *acts: Callable[[], object]) -> None:
        """Do `acts` up to the first that raises; an interrupt is a request to stop."""
        raised = self._raised_by(*acts)
        if isinstance(raised, StoppedError) and not self.control.cancelled:
            self.control.env.cancellation.request("an interrupt")
        self.error = self.error or raised

    def _raised_by(self, *acts: Callable[[], object]) -> RunbookError | None:
        try:
            for act in acts:
                act()
        except BaseException as error:  # noqa: BLE001 - nothing gets past this place
            return self._in_words(error)
        return None

    def _in_words(self, error: BaseException) -> RunbookError:
        words = self.control.redaction.error(explain(error))
        if isinstance(words, DefectError):
            path = self.control.directory.path / _TRACEBACK
            text = self.control.redaction.text("".join(traceback.format_exception(error)))
            try:
                path.write_text(text, encoding="utf-8", errors="replace")
                words.hint = f"report it to the maintainers of runbookctl, with {path}"
            except OSError as full:
                words.hint += f"; where it happened is lost ({full.strerror})"
        return words

    def _make(self, what: str, act: Callable[[], object], *, otherwise: str) -> bool:
        """Whether the part `what` of the end was made, now or before; a problem begins with `otherwise` if not."""
        if what in self._made:
            return True
        raised = self._raised_by(act) and self._raised_by(act)
        if raised is None:
            self._made.add(what)
        else:
            self.problems.append(f"{otherwise}: {raised.message}")
        return raised is None

    def _value(self, act: Callable[[], Value], otherwise: Value) -> Value:
        """What `act` gives, or `otherwise` where it raises; that is a defect of what is told, not of the run."""
        found: list[Value] = []
        raised = self._raised_by(lambda: found.append(act())) and self._raised_by(lambda: found.append(act()))
        if raised:
            self.problems.append(raised.message)
        return found[-1] if found else otherwise

    def conclude(self, *, undoing: bool = False) -> Result:
        """Call or resolve, record the end, and write the report."""
        try:
            return self._conclude(undoing=undoing)
        except BaseException as error:  # noqa: BLE001 - what was made of the end is not made again
            self.problems.append(self._in_words(error).message)
            return self._conclude(undoing=undoing)

    def _conclude(self, *, undoing: bool) -> Result:
        control = self.control
        outcome = self._value(lambda: self._outcome(undoing=undoing), Outcome.UNKNOWN)
        if isinstance(self.error, AuditError):
            self.pager.unrecorded.append(self.error)
        self._make("call", lambda: self._call(outcome), otherwise="nobody could be called")
        result = self._value(lambda: self._result(outcome, undoing=undoing), self._bare(outcome))
        record = lambda: control.recorder.note(EventType.RUN_FINISHED, **self._recorded(result))  # noqa: E731
        recorded = self._make("record", record, otherwise="the end of the run is not recorded")
        if not recorded:
            result = replace(result, exit_code=ExitCode.AUDIT)
            self._make("alarm", self._call_unrecorded, otherwise="nobody could be called")
        now = control.env.clock().wall.isoformat()
        end = {"status": "finished", "outcome": outcome, "finished": now, "private": ()}
        return self._filed(result, end if recorded else {})

    def _filed(self, result: Result, end: dict[str, Any]) -> Result:
        """`result` with its report, once the state of the run is saved with what `end` says."""
        control, written = self.control, [result.report]
        self._make("locks", control.locks.release, otherwise="the locks are given back when this command ends")
        shown = f"no report (runbook show {result.run_id} prints it)"
        self._make("report", lambda: written.append(self._report()), otherwise=shown)
        if end:
            file = lambda: file_run(control.directory, control.recorder.log, **end, steps=control.ledger.table())  # noqa: E731
            self._make("state", file, otherwise="the state of the run is not saved")
        problems = tuple(dict.fromkeys([*result.problems, *self.problems]))
        return replace(result, report=written[-1], problems=problems, calls=tuple(self.pager.calls))

    def refuse(self, before: RunState) -> Result:
        """The end of an attempt to go on with a run, or to take it back, that was refused: the run stays as it was."""
        control, error = self.control, self.error or RunbookError("it was refused")
        outcome = Outcome(before.outcome or Outcome.UNKNOWN)
        self._make("close", control.recorder.close, otherwise="not recorded")
        if control.request.mode == "auto" and not control.cancelled:  # nobody is there who reads why
            why = self._besides()
            self._make("call", lambda: self.pager.stopped([], None, why), otherwise="nobody could be called")
        code = self._code(Outcome.ABORTED, begun=False)
        refusal = {"outcome": before.outcome, "reason": error.message, "exit_code": int(code)}
        record = lambda: control.recorder.note(EventType.RUN_REFUSED, **refusal)  # noqa: E731
        recorded = self._make("record", record, otherwise="that it was refused is not recorded")
        result = replace(
            self._value(lambda: self._result(outcome, undoing=False), self._bare(outcome)),
            exit_code=code if recorded else ExitCode.AUDIT,
            problems=(error.message, *self.pager.problems()),
            happened=aftermath.first_line(error.message),
        )
        kept = {field.name: getattr(before, field.name) for field in fields(before) if field.name != "steps"}
        return self._filed(result, kept)

    def _outcome(self, *, undoing: bool) -> Outcome:
        control = self.control
        outcome = control.ledger.outcome
        if undoing:
            return Outcome.PARTLY_UNDONE if self.error or standing(control.runbook, control.ledger) else Outcome.UNDONE
        if self.children and not control.request.looks and outcome in {Outcome.PASSED, Outcome.NEVER_REACHED}:
            outcome = Outcome.HANDED_OVER  # what failed holds again; it is no proof of what comes after that
        if control.request.looks and outcome is Outcome.PASSED:
            outcome = Outcome.PLANNED  # whatever it found, nothing was done: it proves nothing and resolves nothing
        if control.cancelled and outcome not in _STAY:
            return Outcome.ABORTED
        return Outcome.FAILED if self.error and outcome in _WELL else outcome

    def _call(self, outcome: Outcome) -> None:
        """Call or resolve. For a step from which another runbook took over, nobody is called twice."""
        control, heard = self.control, self._have_called()
        if outcome in _RESOLVED:
            self.pager.passed()
        elif outcome not in _WELL and not control.request.looks and not (control.cancelled and not control.declared):
            names = undo_id if outcome is Outcome.PARTLY_UNDONE else str
            failed = [step for step in control.runbook.procedure if self._calls(step, names(step.id))]
            failed = [step for step in failed if not (heard and isinstance(step.on_failure, HandOver))]
            self.pager.stopped(failed, control.declared, self._besides())

    def _have_called(self) -> bool:
        """Whether somebody has heard of it from a run that took over and did not pass."""
        failed = [child.result for child in self.children if child.result.outcome not in _RESOLVED]
        return any(call.action == "trigger" and call.arrived for result in failed for call in result.calls)

    def _calls(self, step: Step, name: str) -> bool:
        """Whether `step`, or its undo, as `name` says, has failed in a way of which somebody must hear.

        One that says `on_failure: stop` ends the run without waking anybody: that is its point, unless it was never
        judged, as its host was lost. What must hold before the run has no such word of its own.
        """
        ledger = self.control.ledger
        failed = ledger.failed_on(name)
        lost = [host for host in failed if ledger.entries[name, host].outcome in _LOST]
        return bool(failed) and (step.on_failure != "stop" or bool(lost) or step in self.control.runbook.prerequisites)

    def _besides(self) -> str | None:
        """Why the run stopped where no step of it failed; None where that is only for who has started it."""
        error, control = self.error, self.control
        if control.unanswered:
            return f"nobody has answered in time: {control.unanswered}"
        refused = isinstance(error, HandOverError)  # of that the step calls that failed
        if control.request.mode != "auto":  # somebody is there, and reads why
            no_hosts = isinstance(error, UnreachableError) and control.target is None
            refused = refused or no_hosts or isinstance(error, LockedError | DeniedError | InvalidInputError)
        return f"could not continue: {aftermath.first_line(error.message)}" if error and not refused else None

    def _call_unrecorded(self) -> None:
        """Call somebody for a run of which nobody can read how it ended, unless that was done already."""
        self.pager.unrecorded.append(RunbookError(self.problems[-1]))
        if not self.control.request.looks and not any(call.action == "trigger" for call in self.pager.calls):
            self.pager.stopped([], None, self.problems[-1])

    def _bare(self, outcome: Outcome) -> Result:
        request, log = self.control.request, self.control.recorder.log
        begun = any(entry.intended for entry in self.control.ledger.entries.values())
        code = self._code(outcome, begun=begun)
        return Result(request.run_id, outcome, code, self.control.directory.path, log.path)

    def _result(self, outcome: Outcome, *, undoing: bool) -> Result:
        control, pager = self.control, self.pager
        problems = [*([self.error.message] if self.error else []), *self.problems]
        problems += map(str, standing(control.runbook, control.ledger, control.taken_back))
        problems += [] if outcome in _STAY else aftermath.partial(control)
        problems += [*pager.problems(), *(error.message for error in pager.unrecorded)]
        return replace(
            self._bare(outcome),
            problems=tuple(dict.fromkeys(problems)),
            hint=self.error.hint if self.error else "",
            happened=aftermath.happened(control, outcome, self.error),
            hosts={} if control.request.looks else aftermath.standings(control),
            calls=tuple(pager.calls),
            children=tuple(self.children),
            ways_on=aftermath.ways_on(
                control,
                outcome,
                undoing=undoing,
                flags=self.error.flags if isinstance(self.error, GuardError) else {},
            ),
        )

    def _recorded(self, result: Result) -> dict[str, Any]:
        return {
            "outcome": result.outcome,
            "exit_code": int(result.exit_code),
            "follow_up": [item if isinstance(item, str) else item.do for item in self._due(result.outcome)],
            "problems": list(result.problems),
            "happened": result.happened,
            "standing": {standing: list(hosts) for standing, hosts in result.hosts.items()},
            "ways_on": [{"words": list(way.words), "does": way.does} for way in result.ways_on],
        }

    def _report(self) -> Path:
        try:
            told = history(read(self.control.recorder.log.path, run=self.control.request.run_id))
        except ValueError as error:  # nothing of this run could be recorded, which is told already
            raise AuditError(str(error)) from error
        return report.write(told, self.control.directory.path)

    def _due(self, outcome: Outcome) -> list[FollowUp | str]:
        if outcome is Outcome.PLANNED:
            return []
        passed = outcome is Outcome.PASSED
        true = {None: True, "escalated": bool(self.pager.calls), "passed": passed, "failed": not passed}
        return [item for item in self.control.runbook.follow_up if isinstance(item, str) or true[item.if_]]

    def _code(self, outcome: Outcome, *, begun: bool) -> ExitCode:
        """The exit code; who was refused before anything was `begun` hears why, also where somebody was called."""
        if isinstance(self.error, AuditError):
            return ExitCode.AUDIT
        if outcome in _WELL:
            return ExitCode.DONE
        refused = isinstance(self.error, LockedError | DeniedError) and not begun
        called = any(call.action == "trigger" for call in self.pager.calls)
        worst_first = {
            ExitCode.PAGING: bool(self.pager.unreached),
            ExitCode.INTERRUPTED: self.control.cancelled and outcome in {Outcome.ABORTED, Outcome.PARTLY_UNDONE},
            ExitCode.PARTLY_UNDONE: outcome is Outcome.PARTLY_UNDONE,
            ExitCode.ESCALATED: called and not refused,
        }
        own = self.error.exit_code if self.error else _CODES.get(outcome, ExitCode.FAILED)
        return next((code for code, holds in worst_first.items() if holds), own)
