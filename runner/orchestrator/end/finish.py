"""How a run ends, whatever was raised: people are called or told, the end is recorded, the report is written."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from runner.core.errors import (
    AuditError,
    DeniedError,
    DoubtError,
    ExitCode,
    LockedError,
    RolledBackError,
    RunbookError,
)
from runner.core.events import Event, EventType, Outcome
from runner.core.step_tags import undo_id
from runner.core.wording import first_line
from runner.escalation.call_rules import Stop
from runner.model.runbook import FollowUp
from runner.model.step import Step
from runner.orchestrator.continuation.undo_plan import standing
from runner.orchestrator.end import aftermath
from runner.orchestrator.end.aftermath import EndedRun
from runner.orchestrator.end.failsafe import Failsafe
from runner.orchestrator.end.stop_reasons import stopped_by
from runner.orchestrator.gate.approval_gate import ApprovalGate
from runner.orchestrator.request import Child, Result, RunRequest
from runner.orchestrator.run_plan import RunPlan
from runner.orchestrator.start.run_start import RunStart
from runner.render import report
from runner.render.history.attempts import engine_remarks
from runner.render.history.run_history import history
from runner.store.log.log_reader import read
from runner.store.manifest import file_run
from runner.store.run_state import RunState

_CODES = {Outcome.ABORTED: ExitCode.DENIED, Outcome.UNREACHABLE: ExitCode.UNREACHABLE}
_RESOLVED = frozenset({Outcome.PASSED, Outcome.HANDED_OVER})
"""What ends the incident."""
_WELL = frozenset({*_RESOLVED, Outcome.PLANNED, Outcome.UNDONE})
_STAY = frozenset({*_WELL, Outcome.PARTLY_UNDONE})  # though somebody has asked the run to stop
_LOST = frozenset({Outcome.UNREACHABLE, Outcome.UNKNOWN})


class RunFinish(Failsafe):
    """The end of one run, which comes whatever is raised: `attempt` what is to be done, then `conclude`.

    Each part of the end is made by itself, and twice if it must be, so that neither a defect nor an interrupt takes the
    others away. `children` are the runs that worked for it, `undone_on` the hosts on which all was to be undone.
    """

    def __init__(self, start: RunStart) -> None:
        super().__init__(start.env, start.directory, start.recorder.redaction)
        self.children: list[Child] = []
        self.handed_over = False
        self.undone_on: set[str] = set()
        self.pager, self._announcer = start.pager, start.announcer
        self._start, self._recorder, self._locks = start, start.recorder, start.locks
        self._ledger = start.recorder.ledger
        self._runbook = start.request.source.runbook

    @property
    def request(self) -> RunRequest:
        """What was asked of the run, as far as it is known by now."""
        return self._start.request

    @property
    def plan(self) -> RunPlan | None:
        """What the run does; None where its hosts never became known."""
        return self._start.admitted_run.plan if self._start.admitted_run else None

    @property
    def gate(self) -> ApprovalGate | None:
        """Who has put its questions, if any could be."""
        return self._start.admitted_run.gate if self._start.admitted_run else None

    @property
    def _cancelled(self) -> bool:
        return bool(self._env.cancellation.asked())

    @property
    def _run(self) -> EndedRun:
        """How far the run has come."""
        cancellations = self._env.cancellation.requests if self._cancelled else ()
        return EndedRun(self.request, self.plan, self._recorder, cancellations, self.undone_on)

    def took_over(self, child: Child) -> None:
        """`child` has worked for this run and has ended: whoever it has called was called for this run as well."""
        self.children.append(child)
        self.handed_over |= not child.called
        self.pager.calls += child.result.calls

    def conclude(self, *, undoing: bool = False) -> Result:
        """Call or resolve, record the end, and write the report."""
        try:
            return self._conclude(undoing=undoing)
        except BaseException as error:  # noqa: BLE001 - what was made of the end is not made again
            self.problems.append(self._in_words(error).message)
            return self._conclude(undoing=undoing)

    def _conclude(self, *, undoing: bool) -> Result:
        self._directory.give_room()
        outcome = self._value(lambda: self._outcome(undoing=undoing), Outcome.UNKNOWN)
        if isinstance(self.error, AuditError):
            self.pager.unrecorded.append(self.error)
        foreseen = self._value(lambda: self._end(outcome, undoing=undoing), None)
        if foreseen and outcome in _RESOLVED and self.pager.tells_of_a_good_end:
            passed = lambda: self._recorder.note(EventType.RUN_PASSED, **foreseen.data)  # noqa: E731
            self._make("passed", passed, otherwise="that the run has passed is not recorded before people hear of it")
        self._make("call", lambda: self._call(outcome, foreseen), otherwise="nobody could be called")
        tickets = lambda: self._open_tickets(outcome, foreseen)  # noqa: E731
        ended = lambda: self._announcer.ended(outcome, aftermath.happened(self._run, outcome, self.error))  # noqa: E731
        self._make("announce", ended, otherwise="how the run ended is not announced")
        self._make("tickets", tickets, otherwise="the tickets for what is left to do are not opened")
        result = self._value(lambda: self._result(outcome, undoing=undoing), self._bare(outcome))
        record = lambda: self._recorder.note(EventType.RUN_FINISHED, **self._recorded(result))  # noqa: E731
        recorded = self._make("record", record, otherwise="the end of the run is not recorded")
        if not recorded:
            result = replace(result, exit_code=ExitCode.AUDIT)
            self._make("alarm", lambda: self._call_unrecorded(foreseen), otherwise="nobody could be called")
        now = self._env.clock().wall.isoformat()
        end = {"status": "finished", "outcome": outcome, "finished": now, "private": ()}
        return self._filed(result, end if recorded else {})

    def _end(self, outcome: Outcome, *, undoing: bool) -> Event:
        """How the run is about to end, as whoever is called before that must know it."""
        data = self._recorded(self._result(outcome, undoing=undoing))
        return Event(EventType.RUN_FINISHED, self.request.run_id, data=data)

    def _filed(self, result: Result, end: dict[str, Any]) -> Result:
        """`result` with its report, once the state of the run is saved with what `end` says."""
        written = [result.report]
        self._make("locks", self._locks.release, otherwise="the locks are given back when this command ends")
        no_report = f"no report (runbook show {result.run_id} prints it)"
        self._make("report", lambda: written.append(self._report()), otherwise=no_report)
        if end:
            file = lambda: file_run(self._directory, self._recorder.log, **end, steps=self._ledger.table())  # noqa: E731
            self._make("state", file, otherwise="the state of the run is not saved")
        problems = tuple(dict.fromkeys([*result.problems, *self.problems]))
        return replace(result, report=written[-1], problems=problems, calls=tuple(self.pager.calls))

    def refuse(self, before: RunState) -> Result:
        """The end of an attempt to go on with a run, or to take it back, that was refused: the run stays as it was."""
        self._directory.give_room()
        error = self.error or RunbookError("it was refused")
        outcome = Outcome(before.outcome or Outcome.UNKNOWN)
        self._make("close", self._recorder.close, otherwise="not recorded")
        if not (self._cancelled or self.request.called):
            stop = self._stop()
            end = Event(EventType.RUN_REFUSED, self.request.run_id, data={"reason": error.message})
            call = lambda: self.pager.stopped([], None, stop, end=end)  # noqa: E731
            self._make("call", call, otherwise="nobody could be called")
        code = self._code(Outcome.ABORTED, begun=False)
        refusal = {"outcome": before.outcome, "reason": error.message, "exit_code": int(code)}
        record = lambda: self._recorder.note(EventType.RUN_REFUSED, **refusal)  # noqa: E731
        recorded = self._make("record", record, otherwise="that it was refused is not recorded")
        result = replace(
            self._value(lambda: self._result(outcome, undoing=False), self._bare(outcome)),
            exit_code=code if recorded else ExitCode.AUDIT,
            problems=(error.message, *self.pager.problems()),
            happened=first_line(error.message),
        )
        state = {field.name: getattr(before, field.name) for field in fields(before) if field.name != "steps"}
        return self._filed(result, state)

    def _outcome(self, *, undoing: bool) -> Outcome:
        outcome = self._ledger.outcome
        if undoing:
            return Outcome.PARTLY_UNDONE if self.error or standing(self._runbook, self._ledger) else Outcome.UNDONE
        if self.handed_over and not self.request.looks and outcome in {Outcome.PASSED, Outcome.NEVER_REACHED}:
            outcome = Outcome.HANDED_OVER  # what failed holds again; it is no proof of what comes after that
        if self.request.looks and outcome is Outcome.PASSED:
            outcome = Outcome.PLANNED  # whatever it found, nothing was done: it proves nothing and resolves nothing
        if self._cancelled and outcome not in _STAY:
            return Outcome.ABORTED
        rolled_back = isinstance(self.error, RolledBackError)
        return Outcome.FAILED if rolled_back or (self.error and outcome in _WELL) else outcome

    def _call(self, outcome: Outcome, end: Event | None) -> None:
        """Call or resolve. For a step from which another runbook took over, nobody is called twice."""
        heard = any(child.has_called and child.result.outcome not in _RESOLVED for child in self.children)
        if self.request.called and not self.pager.declared:
            return  # the run that it works for calls
        if outcome in _RESOLVED:
            self.pager.passed(end)
        elif outcome is Outcome.UNDONE:
            self.pager.taken_back(end)
        elif outcome not in _WELL and not self.request.looks and not self._cancelled:
            names = undo_id if outcome is Outcome.PARTLY_UNDONE else str
            steps = [step for step in self._runbook.procedure if not (heard and step.others)]
            failed = [step for step in steps if self._calls(step, names(step.id))]
            if aftermath.is_ended_by(self.error, self._ledger, [names(step.id) for step in failed]):
                failed = []  # the error says why
            self.pager.stopped(failed, None, self._stop(), end=end)

    def _calls(self, step: Step, name: str) -> bool:
        """Whether `step`, or its undo, as `name` says, has failed in a way of which somebody must hear.

        One that says `on_failure: stop` ends the run without waking anybody: that is its point, unless it was never
        judged, as its host was lost. What must hold before the run has no such word of its own.
        """
        failed = self._ledger.failed_on(name)
        lost = [host for host in failed if self._ledger.entries[name, host].outcome in _LOST]
        return bool(failed) and (step.on_failure != "stop" or bool(lost) or step in self._runbook.prerequisites)

    def _stop(self) -> Stop | None:
        """How the run stopped where no step of it failed; None where a step says it."""
        gate = self.gate
        if gate and gate.unanswered:
            return Stop("no_answer", f"nobody has answered in time: {gate.unanswered}")
        if gate and gate.denied:
            return Stop("denied", f"denied: {gate.denied}")
        return stopped_by(self.error, planned=self.plan is not None, asked=self.pager.target is not None)

    def _call_unrecorded(self, end: Event | None) -> None:
        """Call somebody for a run of which nobody can read how it ended, unless that was done already."""
        self.pager.unrecorded.append(RunbookError(self.problems[-1]))
        if not self.request.tells_nobody and not any(call.calls for call in self.pager.calls):
            self.pager.stopped([], None, Stop("stopped", self.problems[-1]), end=end)
        if self.pager.reached:  # a later command finds a run that did not end, and calls nobody once more
            self._directory.note_called()

    def _bare(self, outcome: Outcome) -> Result:
        request, log = self.request, self._recorder.log
        begun = any(entry.intended for entry in self._ledger.entries.values())
        code = self._code(outcome, begun=begun)
        return Result(request.run_id, outcome, code, self._directory.path, log.path)

    def _result(self, outcome: Outcome, *, undoing: bool) -> Result:
        pager, run = self.pager, self._run
        problems = [*([self.error.message] if self.error else []), *self.problems]
        problems += map(str, standing(self._runbook, self._ledger, self.undone_on))
        problems += [] if outcome in _STAY else aftermath.partial(run)
        problems += [*pager.problems(), *(error.message for error in pager.unrecorded)]
        return replace(
            self._bare(outcome),
            problems=tuple(dict.fromkeys(problems)),
            hint=self.error.hint if self.error else "",
            happened=aftermath.happened(run, outcome, self.error),
            hosts={} if self.request.looks else aftermath.standings(run),
            calls=tuple(pager.calls),
            children=tuple(self.children),
            acknowledged=pager.acknowledged,
            follows=None if outcome in _RESOLVED else pager.follows,
            remarks=(*pager.remarks, *engine_remarks(self._recorder.records)),
            in_doubt=isinstance(self.error, DoubtError),
            ways_on=aftermath.ways_on(run, outcome, undoing=undoing, error=self.error),
        )

    def _recorded(self, result: Result) -> dict[str, Any]:
        return {
            "outcome": result.outcome,
            "exit_code": int(result.exit_code),
            "follow_up": [item if isinstance(item, str) else item.do for item in self._due(result.outcome)],
            "problems": list(result.problems),
            **({"nothing_needed": True} if result.outcome is Outcome.PASSED and aftermath.is_idle(self._run) else {}),
            **aftermath.recorded(result.happened, result.hosts, result.ways_on),
        }

    def _report(self) -> Path:
        try:
            run = history(read(self._recorder.log.path, run=self.request.run_id))
        except ValueError as error:  # nothing of this run could be recorded, which is a problem of its own already
            raise AuditError(str(error)) from error
        return report.write(run, self._directory.path)

    def _open_tickets(self, outcome: Outcome, end: Event | None) -> None:
        due = [item for item in self._due(outcome) if isinstance(item, FollowUp)]
        self.pager.open_tickets(due, end)

    def _due(self, outcome: Outcome) -> list[FollowUp | str]:
        if outcome is Outcome.PLANNED:
            return []
        passed = outcome is Outcome.PASSED
        true = {None: True, "escalated": bool(self.pager.calls), "passed": passed, "failed": not passed}
        return [item for item in self._runbook.follow_up if isinstance(item, str) or true[item.if_]]

    def _code(self, outcome: Outcome, *, begun: bool) -> ExitCode:
        """The exit code; who was refused before anything was `begun` hears why, also where somebody was called."""
        if isinstance(self.error, AuditError):
            return ExitCode.AUDIT
        if outcome in _WELL:
            return ExitCode.DONE
        refused = isinstance(self.error, LockedError | DeniedError) and not begun
        called = any(call.calls for call in self.pager.calls)
        worst_first = {
            ExitCode.PAGING: self.pager.reached is False,
            ExitCode.INTERRUPTED: self._cancelled and outcome in {Outcome.ABORTED, Outcome.PARTLY_UNDONE},
            ExitCode.PARTLY_UNDONE: outcome is Outcome.PARTLY_UNDONE,
            ExitCode.ESCALATED: called and not refused,
        }
        own = self.error.exit_code if self.error else _CODES.get(outcome, ExitCode.FAILED)
        return next((code for code, holds in worst_first.items() if holds), own)
