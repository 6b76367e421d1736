"""What follows when a rollback trigger fires: people are asked, or not, and the runbook that rolls back takes over."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runner.compiler.segments import Gate
from runner.core.errors import RolledBackError
from runner.core.events import DONE, EventType, Outcome
from runner.core.wording import first_line
from runner.model.procedure.rollback_triggers import RollbackTrigger
from runner.orchestrator.continuation.handover import taking_over
from runner.orchestrator.request import Child, Result, RunRequest
from runner.orchestrator.rollback.trigger_looks import TriggerLook
from runner.orchestrator.rollback.trigger_watch import TriggerWatch
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.start.run_start import AdmittedRun, RunStart
from runner.orchestrator.stepper import Stepper
from runner.render.history.decisions import NOBODY


class RollbackOffer:
    """Offers to roll back when a trigger of the run fires, and does it by `do`; `ended` hears how that came out."""

    def __init__(
        self,
        start: RunStart,
        env: RunEnvironment,
        do: Callable[[RunRequest, RunEnvironment], Result],
        ended: Callable[[Child], None],
    ) -> None:
        self._start, self._env, self._do, self._ended = start, env, do, ended
        self.watch = TriggerWatch(start.request, env, start.recorder, self._halt)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the block lasts the triggers are looked at; then it is recorded how often they were."""
        with self.watch.running():
            yield
        if any(self.watch.totals.values()):
            self._start.recorder.note(EventType.TRIGGER_WATCHED, looks=self.watch.totals)

    def look(self, looks: Callable[[Stepper], None], stepper: Stepper) -> None:
        """Do what only `looks`, and look at every trigger once."""
        looks(stepper)
        if self.watch.triggers and not stepper.cancelled:
            self.watch.look()

    def settle(self, *, last: bool = False) -> None:
        """Between two parts of the run: have what fires answered; before the end every trigger is looked at anew.

        Raises:
            RolledBackError: the run goes no further.
        """
        if self.watch.begun:
            self.watch.look(only_due=not last)
        for trigger, look in self.watch.fired():
            self._answer(trigger, look)
        self._start.invoker.halt.forget()

    def _halt(self) -> None:
        """Stop what goes on as soon as that is harmless: before a person answers, only what can be done again."""
        begins_itself = any(trigger.auto for trigger, _ in self.watch.fired())
        self._start.invoker.halt.want(between_steps=not begins_itself)

    def _answer(self, trigger: RollbackTrigger, look: TriggerLook) -> None:
        admitted, sentence = (
            self._start.plan(),
            f"the rollback trigger {trigger.id} has fired: {first_line(look.reason)}",
        )
        yes, by, note = trigger.auto, NOBODY, "auto: true"
        if not trigger.auto and self._start.request.mode != "auto":
            text = f"{trigger.id} has fired: {trigger.says} ({look.reason}). Start {trigger.to.run}?"
            answer = admitted.gate.ask(Gate(trigger.step, "trigger", text), admitted.plan.names)
            yes, by, note = answer.yes, answer.by, answer.note
        asked = by != NOBODY
        self.watch.answered(trigger)
        outcome = "started" if yes else "declined" if asked else "unanswered"
        data = {"trigger": trigger.id, "answer": outcome, "by": by, "note": note, "runbook": trigger.to.run}
        self._start.recorder.note(EventType.TRIGGER_ANSWERED, **data)
        if yes:
            self._roll_back(admitted, trigger, sentence)
        if not asked:
            hint = f"runbook run {trigger.to.run} rolls back; look at it now"
            raise RolledBackError(f"{sentence}; nobody could be asked", hint=hint)

    def _roll_back(self, admitted: AdmittedRun, trigger: RollbackTrigger, sentence: str) -> None:
        """Let the runbook of `trigger` take over on each host that was begun to be changed; others are as they were.

        Raises:
            RolledBackError: it has ended, whatever it came to.
        """
        self.watch.end()
        stepper, hosts = admitted.stepper, self.watch.changed_hosts()
        request = taking_over(stepper, self._env, trigger.to, hosts)
        what = {"to": request.source.runbook.id, "as_run": request.run_id, "hosts": hosts, "trigger": trigger.id}
        stepper.recorder.note(EventType.RUN_HANDED_OVER, **what)
        with self._start.deadline.standstill():
            child = Child(request.source.runbook.id, hosts, self._do(request, self._env))
        stepper.recorder.learn(request.secrets.values())
        self._ended(child)
        result = child.result
        well = result.outcome in {*DONE, Outcome.HANDED_OVER}
        after = f"{child.runbook} has rolled back" if well else f"{child.runbook} ended as {result.outcome}"
        hint = f"runbook show {result.run_id} shows what happened in it"
        raise RolledBackError(f"{sentence}; {after}", hint=hint)
