"""One test of one drill: a system is broken, its runbook mends it, and an independent probe says whether it did."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial

from runner.compiler.committed_playbook import reviewed, reviewed_beside
from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError, ExitCode
from runner.core.events import EventType, Outcome
from runner.core.wording import listed
from runner.lab.drills.drill_phases import DrillPhases, brief
from runner.lab.drills.drill_question import AskedSystem, question
from runner.lab.drills.undo_script import attempt_of
from runner.lab.interrupts import uninterrupted
from runner.lab.probe import STEADY, Probe
from runner.model.step import Effect
from runner.orchestrator.request import Result, RunRequest
from runner.render.drills.drill_result import DrillResult, DrillTest, DrillVerdict, Training
from runner.services.drills.brakes import EACH, Brakes
from runner.services.drills.drill_journal import DrillJournal
from runner.services.drills.drill_task import DrillConditions, DrillTask
from runner.services.drills.hosts_that_stay import DrillUndo

UNTREATED = 4.0
"""Seconds for which a broken system is watched when nobody mends it."""
SOON = 10.0
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
class _DrillRun(DrillJournal):
    """One test while it is done."""

    brakes: Brakes = field(init=False)
    alert: AskedSystem | None = field(init=False)

    def do(self) -> None:
        """Do it, from a system that is well to one that is as it was before."""
        task, runbook = self.task, self.task.source.runbook
        inputs = task.inputs(self.conditions.secrets)
        where = task.inventory, runbook.hosts, inputs, task.ansible.directory
        asked = question(task.drill.probe, *where)
        phases = DrillPhases(
            task.source, task.drill, inputs, task.ansible, asked, task.inventory, attempt_of(self.run_id)
        )
        undo = self.conditions.undo(phases, self.run_id)
        looks = [question(each, *where) for each in task.drill.abort_if]
        self.alert = question(asks, *where) if (asks := task.drill.alert) else None
        self.brakes = Brakes(looks, self.conditions.stopped, partial(self.conditions.stop_run, self.run_id))
        with Probe.watching(asked.ask) as probe, Probe.watching(self.brakes.look, interval=EACH):
            if reason := self._not_ready(asked, probe):
                self.not_begun = True
                self.fail("not well", reason)
                return
            self.say("well", f"{asked.words} {brief(probe)}")
            with self._taken_back(undo, phases, probe):
                self._test(undo, phases, probe)
            if self.brakes.reason:
                self.stopped = self.brakes.reason
                self.fail("stopped", self.stopped)
            self.measure(probe)

    def _not_ready(self, asked: AskedSystem, probe: Probe) -> str:
        """Why nothing is begun: the system is broken already, or its alert fires; empty where it is well."""
        if not probe.wait_steady(within=self.conditions.patience):
            return f"before anything was done, {asked.words} {brief(probe)}"
        return f"before anything was done: {self.alert.look.says}" if self.alert and self.alert.ask().good else ""

    def _test(self, undo: DrillUndo, phases: DrillPhases, probe: Probe) -> None:
        if self.task.test is DrillTest.NO_FAULT:
            self._refused(probe)
        elif not self._broken(undo, phases, probe):
            return
        elif self.conditions.follow:
            self._trained(self.conditions.follow, phases, probe)
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
                self._take_back(undo, phases, probe)

    def _take_back(self, undo: DrillUndo, phases: DrillPhases, probe: Probe) -> None:
        try:
            with uninterrupted():
                undo.take_back()
                self.say("undo", phases.in_words("undo"))
        except ExecutionError as error:
            if undo.stays:
                raise
            self.fail("not undone", f"{error.message}: {error.hint}")
            return
        if not probe.wait_steady(within=self.conditions.patience):
            self.fail("not well", f"after the undo, the probe is answered badly: {brief(probe)}")

    def _broken(self, undo: DrillUndo, phases: DrillPhases, probe: Probe) -> bool:
        """Whether the probe has seen that the fault hurts, and the symptom is there: nobody can mend anything else."""
        drill = self.task.drill
        try:
            if not self.brakes.look().good:
                return False
            if prepared := undo.prepare():
                self.say("armed", prepared)
            before = time.monotonic()
            self.say("fault", phases.in_words("inject") or "none: there is work to do")
            phases.play("inject", "symptom", guard=undo.guard)
            if not drill.probe.uninterrupted:
                self._see(probe, before)
            phases.judge("symptom", probe)
        except ExecutionError as error:
            self.fail("not broken", f"{error.message}: {error.hint}")
            return False
        self.say("symptom", phases.in_words("symptom"))
        if self.alert:
            self._hear(self.alert, before)
        return not self.brakes.reason

    def _hear(self, alert: AskedSystem, before: float) -> None:
        """Wait until monitoring has seen the fault: its alert fires, and leads whoever it wakes to this runbook."""
        look, id_ = alert.look, self.task.source.id
        within = self.task.drill.alert_within.total_seconds()
        with Probe.watching(alert.ask, interval=EACH) as watched:
            fires = watched.wait(healthy=True, within=within, unless=lambda: bool(self.brakes.reason))
            seen = watched.last.seen if watched.last else {}
        if not fires:
            self.fail("not alerted", f"not within {within:g} s: {look.says}; {seen.get('problem', 'no answer')}")
            return
        self.measured["alert"] = time.monotonic() - before
        url = str(seen.get("url", ""))
        self.say("alerted", f"{look.says}; {f'it leads to {url}' if url else 'it has no runbook_url'}")
        if url and id_ not in url:
            self.fail("astray", f"whoever is woken is led to {url}, and not to {id_}")

    def _see(self, probe: Probe, before: float) -> None:
        if not probe.wait(healthy=False, within=self.conditions.patience):
            raise ExecutionError("the probe never saw the fault", hint=brief(probe))
        self.measured["detect"] = max(0.0, probe.outages[-1].began - before)
        self.say("seen", f"the probe: {brief(probe)}")

    def _proof(self, phases: DrillPhases, probe: Probe) -> str:
        """Why the proof does not hold; empty where it does."""
        try:
            phases.play("proof")
            phases.judge("proof", probe)
        except ExecutionError as error:
            return error.hint or error.message
        return ""

    def _untreated(self, phases: DrillPhases, probe: Probe) -> None:
        """Nobody mends it: then either the probe is bad, or the proof does not hold, or nobody calls whom it must."""
        well = probe.wait(healthy=True, within=UNTREATED) if not self.task.drill.probe.uninterrupted else True
        if not well:
            self.say("untreated", f"{UNTREATED:g} s later the probe is still answered badly: {brief(probe)}")
            return
        if why := self._proof(phases, probe):
            self.say("untreated", f"without the runbook the proof does not hold: {why}")
        elif called := self.task.drill.called:
            self.say("untreated", f"without the runbook nobody calls {listed(called)}")
        else:
            self.fail("well", "it is well and proven without its runbook, which so has shown nothing")

    def _refused(self, probe: Probe) -> None:
        """The runbook must leave a healthy system alone."""
        runbook = self.task.source.runbook
        result = self._run()
        reads = {step.id for step in runbook.every_step if step.effect is Effect.READ}
        begun = [str(each.step) for each in self.records() if each.type == EventType.STEP_INTENDED]
        changed = [step for step in dict.fromkeys(begun) if step not in reads]
        if result.exit_code is ExitCode.DONE:
            self.fail("not refused", "the runbook passed on a healthy system")
        elif changed:
            self.fail("not refused", f"the runbook began to change a healthy system: {listed(changed)}")
        elif probe.bad:
            self.fail("hurt", f"the probe was answered badly {probe.bad} times")
        else:
            self.say("refused", result.happened or str(result.outcome))

    def _mended(self, phases: DrillPhases, probe: Probe) -> None:
        drill, began = self.task.drill, time.monotonic()
        result = self._run()
        if self.brakes.reason:
            return
        passed, aborted = result.exit_code is ExitCode.DONE, result.outcome == Outcome.ABORTED
        if aborted or passed is not (drill.ends == "passed"):
            self.fail("ended", f"the run ended as {result.outcome}, and must have {drill.ends}")
        if aborted:  # nothing else of it tells anything: what is broken is taken back at once
            return
        within = drill.budget.total_seconds() if not self.reasons else SOON
        if not probe.wait_steady(within=within, unless=lambda: bool(self.brakes.reason)):
            self.fail("not well", _still_bad(probe))
        elif not drill.probe.uninterrupted:
            ended = probe.outages[-1].ended if probe.outages else None
            self.measured["outage"] = ended - probe.outages[0].began if ended is not None else None
            self.measured["recover"] = max(0.0, ended - began) if ended is not None else None
            self._check_budget()
        self._check_interruption(probe)
        if not self.reasons:
            self._prove(phases, probe)
        self.check_calls()

    def _trained(self, follow: Callable[[DrillPhases, str], Training], phases: DrillPhases, probe: Probe) -> None:
        """Somebody follows the runbook by hand; whether the system is well then says the probe."""
        began = time.monotonic()
        self.training = follow(phases, brief(probe))
        if not probe.wait_steady(within=SOON):
            self.fail("not well", _still_bad(probe))
            return
        ended = probe.outages[-1].ended if probe.outages else None
        self.measured["recover"] = max(0.0, ended - began) if ended is not None else None
        self._prove(phases, probe)

    def _prove(self, phases: DrillPhases, probe: Probe) -> None:
        """The proof must hold, and the system, which was well before it, must be well all the time."""
        asked, bad = probe.asked, probe.bad
        if why := self._proof(phases, probe):
            self.fail("not proven", why)
            return
        probe.wait_for(lambda _look: probe.asked >= asked + 2 * STEADY, within=self.conditions.patience)
        if worse := probe.bad - bad:
            self.fail("not steady", f"when it was well, {worse} of the next {probe.asked - asked} answers were bad")
        elif self.task.drill.proof:
            self.proofs = tuple(step.name for step in self.task.drill.proof)
            self.say("proven", phases.in_words("proof"))

    def _check_budget(self) -> None:
        budget = self.task.drill.budget.total_seconds()
        if (recover := self.measured.get("recover")) is not None and recover > budget:
            self.fail("late", f"it was well after {recover:.1f} s, and must be after {budget:g} s")

    def _check_interruption(self, probe: Probe) -> None:
        if not self.task.drill.probe.uninterrupted:
            return
        probe.wait_for_another(within=self.conditions.patience, least=LEAST_LOOKS)
        if probe.bad:
            self.fail("felt", f"{probe.bad} of {probe.asked} answers were bad, and none may be")
        elif probe.asked < LEAST_LOOKS:
            self.fail("not felt", f"the probe was asked only {probe.asked} times; {LEAST_LOOKS} prove something")
        else:
            self.say("not felt", f"all of {probe.asked} answers were good")

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
        self.say("run", f"{source.id} as it is committed")
        self.run = self.conditions.start(request, self.began.monotonic)
        self.say("ended", f"{source.id} {self.run.outcome}")
        return self.run


def _still_bad(probe: Probe) -> str:
    if probe.healthy:
        return f"the probe is answered well only at times: {probe.bad} of {probe.asked} answers were bad"
    return f"the probe is still answered badly: {brief(probe)}"
