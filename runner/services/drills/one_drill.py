"""One test of one drill: a system is broken, its runbook mends it, and an independent probe says whether it did."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from runner.compiler.committed_playbook import reviewed, reviewed_beside
from runner.core.errors import ExecutionError, ExitCode
from runner.core.events import EventType, Instant
from runner.core.wording import listed
from runner.lab.drills.drill_phases import DrillPhases, brief
from runner.lab.drills.drill_question import question
from runner.lab.drills.undo_script import attempt_of
from runner.lab.interrupts import uninterrupted
from runner.lab.probe import Probe
from runner.model.step import Effect
from runner.orchestrator.request import Result, RunRequest
from runner.render.drills.drill_result import DrillMoment, DrillResult, DrillTest, DrillVerdict, WouldBeCall
from runner.services.drills.drill_task import DrillConditions, DrillTask
from runner.services.drills.hosts_that_stay import DrillUndo
from runner.store.log.envelope import Record
from runner.store.log.log_reader import read

UNTREATED = 4.0
"""Seconds for which a broken system is watched when nobody mends it."""
SOON = 2.0
"""Seconds for the next answer of the probe."""
LEAST_LOOKS = 20
"""How often the probe must have been answered before anybody may say that nothing was felt."""


def do_drill(task: DrillTask, conditions: DrillConditions) -> DrillResult:
    """Do one test of a drill. Whatever it comes to is a result; what was changed for it is taken back.

    Raises:
        InvalidInputError: the inventory is of production, or lacks something that the drill names.
        ExecutionError: what was changed for it is not taken back.
    """
    run = _DrillRun(task, conditions)
    if reason := task.exception:
        return replace(run.result(), verdict=DrillVerdict.EXCEPTED, reasons=(reason,))
    task.check_environment()
    with conditions.held(run.run_id):
        run.do()
    return run.result()


@dataclass(slots=True)
class _DrillRun:
    """One test while it goes on: what was measured so far, and why it has not passed."""

    task: DrillTask
    conditions: DrillConditions
    run_id: str = field(init=False)
    began: Instant = field(init=False)
    reasons: list[str] = field(default_factory=list)
    moments: list[DrillMoment] = field(default_factory=list)
    proofs: tuple[str, ...] = ()
    run: Result | None = None
    measured: dict[str, float | int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run_id = self.conditions.new_run_id()
        self.began = self.conditions.clock()

    def result(self) -> DrillResult:
        """What it has come to."""
        task, runbook, records = self.task, self.task.source.runbook, self._records()
        return DrillResult(
            runbook=task.source.id,
            name=task.name,
            title=task.drill.name or runbook.title,
            severity=runbook.severity,
            sha256=task.source.sha256,
            test=task.test,
            verdict=DrillVerdict.FAILED if self.reasons else DrillVerdict.PASSED,
            reasons=tuple(self.reasons),
            backend=task.backend,
            began=self.began.wall,
            seconds=self.conditions.clock().since(self.began),
            id=self.run_id,
            run=self.run.run_id if self.run else "",
            report=str(self.run.report) if self.run else "",
            outcome=str(self.run.outcome) if self.run else "",
            **self.measured,  # type: ignore[arg-type]
            proofs=self.proofs,
            calls=self._calls(),
            red=task.seen_red(records),
            verifications=tuple(task.looks),
            moments=tuple(self.moments),
        )

    def do(self) -> None:
        """Do it, from a system that is well to one that is as it was before."""
        task, runbook = self.task, self.task.source.runbook
        inputs = task.inputs(self.conditions.secrets)
        asked = question(task.drill.probe, task.inventory, runbook.hosts, inputs, task.ansible.directory)
        phases = DrillPhases(task.source, task.drill, inputs, task.ansible, asked, attempt_of(self.run_id))
        undo = self.conditions.undo(phases, self.run_id)
        with Probe.watching(asked.ask) as probe:
            if not probe.wait(healthy=True, within=self.conditions.patience):
                self._fail("not well", f"before anything was done, {asked.words} answers {brief(probe)}")
                return
            self._say("well", f"{asked.words} answers {brief(probe)}")
            with self._taken_back(undo, phases, probe):
                self._test(undo, phases, probe)
            self._measure(probe)

    def _test(self, undo: DrillUndo, phases: DrillPhases, probe: Probe) -> None:
        if self.task.test is DrillTest.NO_FAULT:
            self._refused(probe)
        elif not self._broken(undo, phases, probe):
            return
        elif self.task.test is DrillTest.NO_REMEDIATION:
            self._untreated(phases, probe)
        else:
            self._mended(phases, probe)

    @contextmanager
    def _taken_back(self, undo: DrillUndo, phases: DrillPhases, probe: Probe) -> Iterator[None]:
        try:
            yield
        finally:
            if self.task.test is not DrillTest.NO_FAULT and self.task.drill.undo:
                with uninterrupted():
                    undo.take_back()
                self._say("undo", phases.in_words("undo"))
                if not probe.wait(healthy=True, within=self.conditions.patience):
                    self._fail("not well", f"after the undo, the probe is answered badly: {brief(probe)}")

    def _broken(self, undo: DrillUndo, phases: DrillPhases, probe: Probe) -> bool:
        """Whether the probe has seen that the fault hurts, and the symptom is there: nobody can mend anything else."""
        drill = self.task.drill
        try:
            if prepared := undo.prepare():
                self._say("armed", prepared)
            before = time.monotonic()
            phases.play("inject", "symptom", guard=undo.guard)
            self._say("fault", phases.in_words("inject") or "none: there is work to do")
            if not drill.probe.uninterrupted:
                self._see(probe, before)
            phases.judge("symptom", probe)
        except ExecutionError as error:
            self._fail("not broken", f"{error.message}: {error.hint}")
            return False
        self._say("symptom", phases.in_words("symptom"))
        return True

    def _see(self, probe: Probe, before: float) -> None:
        if not probe.wait(healthy=False, within=self.conditions.patience):
            raise ExecutionError("the probe never saw the fault", hint=brief(probe))
        self.measured["detect"] = max(0.0, probe.outages[-1].began - before)
        self._say("seen", f"the probe: {brief(probe)}")

    def _proof(self, phases: DrillPhases, probe: Probe) -> str:
        """Why the proof does not hold; empty where it does."""
        try:
            phases.play("proof")
            phases.judge("proof", probe)
        except ExecutionError as error:
            return error.hint or error.message
        return ""

    def _untreated(self, phases: DrillPhases, probe: Probe) -> None:
        """Nobody mends it: then either the probe is bad, or the proof does not hold."""
        well = probe.wait(healthy=True, within=UNTREATED) if not self.task.drill.probe.uninterrupted else True
        if not well:
            self._say("untreated", f"{UNTREATED:g} s later the probe is still answered badly: {brief(probe)}")
            return
        if why := self._proof(phases, probe):
            self._say("untreated", f"without the runbook the proof does not hold: {why}")
        else:
            self._fail("well", "it is well and proven without its runbook, which so has shown nothing")

    def _refused(self, probe: Probe) -> None:
        """The runbook must leave a healthy system alone."""
        runbook = self.task.source.runbook
        result = self._run()
        reads = {step.id for step in runbook.every_step if step.effect is Effect.READ}
        begun = [str(each.step) for each in self._records() if each.type == EventType.STEP_INTENDED]
        changed = [step for step in dict.fromkeys(begun) if step not in reads]
        if result.exit_code is ExitCode.DONE:
            self._fail("not refused", "the runbook passed on a healthy system")
        elif changed:
            self._fail("not refused", f"the runbook began to change a healthy system: {listed(changed)}")
        elif probe.bad:
            self._fail("hurt", f"the probe was answered badly {probe.bad} times")
        else:
            self._say("refused", result.happened or str(result.outcome))

    def _mended(self, phases: DrillPhases, probe: Probe) -> None:
        drill, began = self.task.drill, time.monotonic()
        result = self._run()
        passed = result.exit_code is ExitCode.DONE
        if passed is not (drill.ends == "passed"):
            self._fail("ended", f"the run ended as {result.outcome}, and must have {drill.ends}")
        within = drill.budget.total_seconds() if not self.reasons else SOON
        if not probe.wait(healthy=True, within=within):
            self._fail("not well", f"the probe is still answered badly: {brief(probe)}")
        elif not drill.probe.uninterrupted:
            ended = probe.outages[-1].ended if probe.outages else None
            self.measured["outage"] = ended - probe.outages[0].began if ended is not None else None
            self.measured["recover"] = max(0.0, ended - began) if ended is not None else None
            self._check_budget()
        self._check_interruption(probe)
        if not self.reasons:
            self._prove(phases, probe)
        self._check_calls()

    def _prove(self, phases: DrillPhases, probe: Probe) -> None:
        if why := self._proof(phases, probe):
            self._fail("not proven", why)
        elif self.task.drill.proof:
            self.proofs = tuple(step.name for step in self.task.drill.proof)
            self._say("proven", phases.in_words("proof"))

    def _check_budget(self) -> None:
        budget = self.task.drill.budget.total_seconds()
        if (recover := self.measured.get("recover")) is not None and recover > budget:
            self._fail("late", f"it was well after {recover:.1f} s, and must be after {budget:g} s")

    def _check_interruption(self, probe: Probe) -> None:
        if not self.task.drill.probe.uninterrupted:
            return
        probe.wait_for_another(within=self.conditions.patience)
        if probe.bad:
            self._fail("felt", f"{probe.bad} of {probe.asked} answers were bad, and none may be")
        elif probe.asked < LEAST_LOOKS:
            self._fail("not felt", f"the probe was asked only {probe.asked} times; {LEAST_LOOKS} prove something")
        else:
            self._say("not felt", f"all of {probe.asked} answers were good")

    def _check_calls(self) -> None:
        called = tuple(dict.fromkeys(each.contact for each in self._calls() if each.action == "trigger"))
        if {*called} != {*(wanted := self.task.drill.called)}:
            self._fail("called", f"it would have called {_people(called)}, and must call {_people(wanted)}")
        for each in self._calls():
            self._say("would call", f"{each.contact}: {each.summary}")
            for problem in each.problems:
                self._fail("refused page", f"{each.contact}: {problem}")

    def _run(self) -> Result:
        """Do the runbook itself, as it is committed."""
        task, source = self.task, self.task.source
        declared = source.runbook.inputs
        defaults = {name: item.default for name, item in declared.items()}
        request = RunRequest(
            run_id=self.run_id,
            source=source,
            playbook=reviewed(task.library, source),
            beside=reviewed_beside(task.library, source),
            contacts=self.conditions.switchboard.contacts,
            inventories=task.ansible.inventories,
            inputs={**defaults, **source.runbook.complete(task.drill.inputs)},
            library=task.library,
            reason=f"drill: {task.test}",
            drill=not self.conditions.switchboard.calls_people,
        )
        self._say("run", f"{source.id} as it is committed")
        self.run = self.conditions.start(request)
        self._say("ended", f"{source.id} {self.run.outcome}")
        return self.run

    def _calls(self) -> tuple[WouldBeCall, ...]:
        return self.conditions.switchboard.calls() if self.run else ()

    def _records(self) -> Sequence[Record]:
        return list(read(self.run.audit, run=self.run.run_id)) if self.run else []

    def _measure(self, probe: Probe) -> None:
        self.measured |= {"asked": probe.asked, "bad": probe.bad}

    def _say(self, word: str, text: str) -> None:
        moment = DrillMoment(self.conditions.clock().since(self.began), word, text)
        self.moments.append(moment)
        self.conditions.say(moment)

    def _fail(self, word: str, text: str) -> None:
        self.reasons.append(text)
        self._say(word.upper(), text)


def _people(names: Sequence[str]) -> str:
    return listed(names) if names else "nobody"
