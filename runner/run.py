"""The whole flow on one page: aimed, asked about, executed, recorded, and if it fails someone is called."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.definition.model import FollowUp
from runner.definition.step import Step
from runner.definition.verification import Verification
from runner.errors import AuditError, ExecutionError, ExitCode, RunbookError
from runner.events import EventType, Outcome
from runner.execution.compile import variables
from runner.execution.executor import Job, execute, resolve
from runner.execution.ledger import parts, undo_parts
from runner.execution.spans import Gate, Span, cut
from runner.execution.tags import step_tag, undo_id
from runner.execution.target import Target
from runner.execution.translate import Translator
from runner.journal import Journal
from runner.paging import Pager
from runner.record import report
from runner.record.audit_log import AuditLog, read
from runner.record.run_state import RunDirectory, RunState
from runner.request import Request, Result, Surroundings


def run(request: Request, around: Surroundings) -> Result:
    """Do the runbook that `request` names.

    Raises:
        AuditError: something could not be recorded; what was going on has been stopped.
    """
    runbook = request.source.runbook
    state = RunState(
        run=request.run_id,
        runbook=runbook.id,
        title=runbook.title,
        started=around.clock().wall.isoformat(),
        user=around.actor.user,
        inventories=tuple(map(str, request.inventories)),
        limit=request.limit,
        hosts=":".join(dict.fromkeys(map(runbook.hosts_of, runbook.procedure))),
        becomes=any(step.become or step.become_user for step in runbook.procedure),
    )
    with AuditLog.open(around.state.audit, clock=around.clock, actor=around.actor) as log:
        directory = around.state.begin(state)
        try:
            return _Run(request, around, log, directory).do()
        finally:
            directory.release()


class _Run:
    """One run in progress: the only place that knows execution, escalation and record at once."""

    def __init__(self, request: Request, around: Surroundings, log: AuditLog, directory: RunDirectory) -> None:
        self.request, self.around, self.directory = request, around, directory
        self.runbook = request.source.runbook
        self.journal = Journal(request.run_id, log, directory, around.clock)
        self.journal.listeners = around.listeners
        self.ledger = self.journal.ledger
        self.pager = Pager(request, around, self.journal)
        self.translator = Translator(request.run_id, self.runbook.id)
        self.target: Target | None = None
        self.declared: str | None = None
        self.error: RunbookError | None = None
        self.job = Job(
            run_id=request.run_id,
            name=f"{self.runbook.id}.yml",
            playbook=request.playbook,
            inventories=request.inventories,
            limit=request.limit,
            inputs=variables(self.runbook, request.inputs),
            hosts=directory.state.hosts,
            becomes=directory.state.becomes,
            environ=around.environ,
            cancellation=around.cancellation,
            on_private=lambda path: directory.update(private=(*directory.state.private, str(path))),
        )

    def do(self) -> Result:
        """The run, from its first record to its last."""
        self.journal.note(EventType.RUN_STARTED, **_described(self.request))
        with self.pager.patience():
            try:
                self._procedure()
            except AuditError:
                raise
            except RunbookError as error:
                self.error = error
            except OSError as error:  # no room for temporary files, no process left: it ends as a run that failed
                self.error = ExecutionError(f"{error.filename or 'the system'}: {error.strerror or error}")
        self.journal.close()
        return self._conclude()

    def _procedure(self) -> None:
        """Gate by gate and span by span, until the end or until something is not as it must be."""
        for item in cut(self.runbook):
            if self.around.cancellation.requests:
                return
            if isinstance(item, Gate):
                if not self._ask(item):
                    return
                continue
            self._execute([step_tag(step.id) for step in item.steps])
            if self._must_stop(item):
                return

    def _ask(self, gate: Gate) -> bool:
        """Whether the person at the gate says yes; nothing runs while they think."""
        if self.target is None:
            self._on_hello(resolve(self.job))
        assert self.target  # noqa: S101 - a hello sets it or raises
        hosts = self.target.of(self.runbook, gate.step)
        self.journal.note(EventType.GATE_ASKED, gate.step.id, kind=gate.kind, text=gate.text, hosts=list(hosts))
        answer = self.around.operator.answer(gate, hosts=hosts, captured=self.journal.captured)
        outcome = Outcome.PASSED if answer.yes else Outcome.ABORTED
        said = {"kind": gate.kind, "part": gate.part, "outcome": outcome, "by": answer.by, "note": answer.note}
        self.journal.note(EventType.GATE_ANSWERED, gate.step.id, **said)
        if answer.declared:
            self.declared = answer.declared
            self.journal.note(EventType.ESCALATION_DECLARED, gate.step.id, declared=answer.declared, by=answer.by)
        return answer.yes

    def _execute(self, tags: Sequence[str], limit: Sequence[str] = ()) -> None:
        """One span: one invocation of Ansible, every word of which is recorded before Ansible may go on."""
        self.journal.note(EventType.SPAN_STARTED, tags=list(tags))
        ending = execute(
            self.job,
            tags,
            handle=self._hear,
            captured=self.journal.captured,
            limit=limit,
            hosts=len(self.target.names) if self.target else 0,
        )
        self.journal.note(EventType.SPAN_FINISHED, why=ending.why, code=ending.code)
        self.directory.update(captured=self.journal.captured, steps=self.ledger.table())
        if ending.why != "exited" and not self.around.cancellation.requests:
            how = "died" if ending.why == "orphaned" else "was stopped from outside"
            raise ExecutionError(f"the supervisor of the run {how}; what it had started was ended", hint="run it again")

    def _must_stop(self, span: Span) -> bool:
        """What the policy of a step says when it did not pass on a host."""
        broken = [step for step in self.ledger.broken(span.steps) if step.on_failure != "continue"]
        if any(step.on_failure == "undo" for step in broken) and not self.around.cancellation.requests:
            self._undo()
        return bool(broken)

    def _undo(self) -> None:
        """Take back what was done, newest first, on exactly the hosts on which it was begun."""
        for step in reversed(self.runbook.steps):
            hosts = self.ledger.hosts(step.id, intended=True)
            if step.undo and hosts:
                self.ledger.expect(undo_id(step.id), hosts, undo_parts(step.undo))
                self._execute([step_tag(undo_id(step.id))], hosts)

    def _hear(self, message: Mapping[str, Any]) -> None:
        """What the callback plugin says, on its socket's thread; returning is the leave to go on."""
        if message["kind"] == "hello":
            self._on_hello(message)
        else:
            self.journal.record(*self.translator.events(message))

    def _on_hello(self, message: Mapping[str, Any]) -> None:
        seen = Target.from_hello(message)
        if self.target is None:
            seen.check(self.runbook)
            self.target = self.pager.target = seen
            for step in self.runbook.procedure:
                self.ledger.expect(step.id, seen.of(self.runbook, step), parts(step))
            self.journal.note(EventType.TARGET_RESOLVED, environment=seen.environment, hosts=list(seen.names))
            self.directory.update(environment=seen.environment)
        elif strangers := set(seen.names) - set(self.target.names):
            raise ExecutionError(f"the inventory names other hosts than at the start: {', '.join(sorted(strangers))}")

    def _conclude(self) -> Result:
        """Call or resolve, record the end, and write the report."""
        outcome = self.ledger.outcome
        interrupted = bool(self.around.cancellation.requests) and outcome is not Outcome.PASSED
        if outcome is Outcome.PASSED:
            self.pager.passed()
        elif not interrupted:
            begun = [step for step in self.runbook.procedure if self.ledger.failed(step.id)]
            self.pager.stopped(begun, self.declared)
        outcome = Outcome.ABORTED if interrupted else outcome
        code = self._exit_code(outcome, interrupted=interrupted)
        problems = [*([self.error.message] if self.error else []), *self.pager.problems()]
        follow_up = [item if isinstance(item, str) else item.do for item in self._due(outcome)]
        finished = {"exit_code": int(code), "follow_up": follow_up, "problems": problems}
        self.journal.note(EventType.RUN_FINISHED, outcome=outcome, **finished)
        now = self.around.clock().wall.isoformat()
        self.directory.update(status="finished", outcome=outcome, finished=now, steps=self.ledger.table(), private=())
        path = self._report(problems)
        hint = self.error.hint if self.error else ""
        return Result(self.request.run_id, outcome, code, path, self.journal.log.path, tuple(problems), hint)

    def _report(self, problems: list[str]) -> Path:
        """Where the report was written; where that fails, the run is recorded all the same."""
        try:
            told = report.summarise(read(self.journal.log.path, run=self.request.run_id))
            return report.write(told, self.directory.path)
        except OSError as error:
            problems.append(f"no report: {error.strerror}; runbook show {self.request.run_id} prints it")
            return self.directory.path

    def _due(self, outcome: Outcome) -> list[FollowUp | str]:
        passed = outcome is Outcome.PASSED
        true = {None: True, "escalated": bool(self.pager.told), "passed": passed, "failed": not passed}
        return [item for item in self.runbook.follow_up if isinstance(item, str) or true[item.if_]]

    def _exit_code(self, outcome: Outcome, *, interrupted: bool) -> ExitCode:
        if self.pager.problems():
            return ExitCode.PAGING
        if interrupted:
            return ExitCode.INTERRUPTED
        if self.error:
            return self.error.exit_code
        if outcome is Outcome.PASSED:
            return ExitCode.DONE
        if self.pager.told:
            return ExitCode.ESCALATED
        codes = {Outcome.ABORTED: ExitCode.DENIED, Outcome.UNREACHABLE: ExitCode.UNREACHABLE}
        return codes.get(outcome, ExitCode.FAILED)


def _described(request: Request) -> dict[str, Any]:
    """What the first record says of the run, so that the log explains itself when the files have changed."""
    runbook = request.source.runbook
    undone = [(step, step.undo) for step in runbook.steps if step.undo]
    return {
        "runbook": runbook.id,
        "title": runbook.title,
        "category": str(runbook.category),
        "severity": runbook.severity,
        "runbook_sha256": request.source.sha256,
        "playbook_sha256": hashlib.sha256(request.playbook).hexdigest(),
        "inventories": list(map(str, request.inventories)),
        "limit": request.limit,
        "inputs": dict(request.inputs),
        "steps": [_in_words(step.id, step, step.name, step.verify) for step in runbook.procedure],
        "undo": [_in_words(undo_id(step.id), step, f"Undo: {step.name}", undo.verify) for step, undo in undone],
    }


def _in_words(name: str, step: Step, title: str, verify: Sequence[Verification]) -> dict[str, Any]:
    return {"id": name, "name": title, "effect": str(step.effect), "verify": [item.says for item in verify]}
