"""Does the steps of a run, as its plan has them and as people have approved them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from runner.approvals.gate_context import GateContext
from runner.compiler import needed_steps
from runner.compiler.batches import Batch, portion
from runner.compiler.command_preview import in_words
from runner.compiler.segments import Gate
from runner.core.errors import ExecutionError
from runner.core.step_tags import step_tag, undone_step
from runner.executor.host_ledger import Ledger
from runner.executor.job import JobPart, Message
from runner.executor.target import Target, check_hosts
from runner.model.mentions import mentioned, mentioned_in
from runner.model.runbook import Runbook
from runner.model.step import Step
from runner.orchestrator.deadline import Deadline
from runner.orchestrator.due_items import with_due_items
from runner.orchestrator.gate.gate_facts import acts
from runner.orchestrator.gate.granted_approvals import Approvals
from runner.orchestrator.invoker import Invoker
from runner.orchestrator.kept_values import forgotten
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.run_plan import RunPlan


class Stepper:
    """Executes parts of `plan`; `approvals` has the questions to which people have said yes."""

    def __init__(self, plan: RunPlan, invoker: Invoker, approvals: Approvals, deadline: Deadline) -> None:
        self.plan, self.approvals = plan, approvals
        self._invoker, self._deadline = invoker, deadline

    @property
    def recorder(self) -> Recorder:
        """What records the run."""
        return self._invoker.recorder

    @property
    def ledger(self) -> Ledger:
        """What is proven of each step on each host."""
        return self.recorder.ledger

    @property
    def cancelled(self) -> bool:
        """Whether somebody has asked the run to stop."""
        return self._invoker.cancelled

    @property
    def lost(self) -> list[str]:
        """The hosts on which the run cannot go on."""
        return self.plan.lost(self.ledger)

    @property
    def gone(self) -> set[str]:
        """The hosts that count as failed: those that are lost, and before their turn those that did not answer."""
        return {*self.lost, *self.plan.unreachable}

    def due(self, step: Step, parts: Collection[str], batch: Batch) -> list[str]:
        """The hosts on which one of `parts` of `step` is still to be proven, without those that the run has lost."""
        names, lost = batch.hosts or self.plan.names, self.lost
        return [host for host in self.ledger.waits_for(step.id, parts) if host in names and host not in lost]

    def describe(self, gate: Gate, hosts: Sequence[str]) -> GateContext:
        """All that `gate` is about on `hosts`, as everybody is asked it.

        Raises:
            InvalidInputError: it is for a group of which nobody is a member.
        """
        step = gate.step
        known = self._invoker.previews.get(step.id, {})
        if acts(gate) and (step.choose or not known.keys() >= set(hosts)):  # a batch before knew of its own hosts
            self.render([step.id])
        return self.approvals.describe(gate, hosts)

    def render(self, steps: Sequence[str]) -> None:
        """Find out what `steps` would do on each host."""
        self._invoker.resolve(steps)

    def preview(self, step: str, hosts: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """What `step` would do on each host, rendered where it was not yet for one of `hosts`."""
        if not self._invoker.previews.get(step, {}).keys() >= set(hosts):
            self.render([step])
        return self._invoker.previews.get(step, {})

    def commands(self, step: str) -> dict[str, str]:
        """What `step` would do on each host in words, where that was rendered."""
        return {host: in_words(preview) for host, preview in self._invoker.previews.get(step, {}).items()}

    def execute(
        self, tags: Sequence[str], limit: Sequence[str] = (), *, render: Sequence[str] = (), may_halt: bool = False
    ) -> bool:
        """One segment: one invocation of Ansible, every word of which is recorded before Ansible may go on.

        Whether it was done to its end, which it is unless it `may_halt` and a rollback trigger has fired.

        Raises:
            TimedOutError: the deadline of the run passed; what was going on has been stopped.
            ExecutionError: it did not start, or was stopped from outside.
        """
        self.plan.request.still_approved()
        self._refuse_forgotten(tags, limit or self.plan.names)
        limit = () if set(limit) == set(self.plan.names) else limit
        self._invoker.begin(tags, limit)
        approved = [step for step in self.approvals.approved if step_tag(step) in tags]
        elsewhere = self.gone - set(limit) if limit else set()
        given = with_due_items(self.recorder.captured, self.ledger, self.plan.runbook, [*tags, *map(step_tag, render)])
        part = JobPart(
            tags,
            limit,
            hosts=len(limit) or len(self.plan.names),
            captured=given,
            settings=settings_of(self.plan.runbook, self.ledger, may_fail=self.plan.may_fail - len(elsewhere)),
            deadline=self._deadline.left(),
            render=approved,
            render_next=render,
        )

        check = lambda message: self.check(message, approved, limit)  # noqa: E731
        return self._invoker.execute(part, check=check, may_halt=may_halt)

    def _refuse_forgotten(self, tags: Sequence[str], hosts: Collection[str]) -> None:
        """That what is done by the `tags` on `hosts` uses nothing that held a secret when it was captured.

        Nothing of it is kept: what has a default would silently be done with that.
        """
        known = forgotten(self.recorder.records)
        names = {name for host in hosts for name in known.get(host, ())}
        for name in (tag.partition("-")[2] for tag in tags if names):
            undone = undone_step(name)
            step = next((each for each in self.plan.runbook.every_step if each.id == (undone or name)), None)
            if step and (used := mentioned_in(step.undo, names) if undone else mentioned(step, names)):
                raise ExecutionError(
                    f"the step {name} uses {used[0]}, which held a secret when it was captured, and is not kept",
                    hint=f"let the step find {used[0]} out itself, or give it the secret as an input of type secret",
                )
            names.difference_update(step.capture if step else ())  # it is captured anew

    def check_approval(self, step: Step, hosts: Sequence[str]) -> None:
        """That `step`, which another runbook does on `hosts`, or is about to, is what people have approved, if so.

        Raises:
            DeniedError: as `check`.
        """
        self.plan.request.still_approved()
        if step.id in self.approvals.approved:
            self.check(self._invoker.resolve([step.id]), [step.id], hosts)

    def check(self, message: Message, approved: Sequence[str] = (), limit: Sequence[str] = ()) -> None:
        """That the inventory is what it was, and that the steps `approved` will do what people have said yes to.

        Raises:
            DeniedError: something that decides what a step does has become another thing, so that the yes is void.
            ExecutionError: the inventory names other hosts.
        """
        now = Target.from_message(message)
        for step in approved:
            self.approvals.check(step, now, limit)
        check_hosts(self.plan.runbook, self.plan.request.inputs, message.get("names") or ())
        self.plan.check_same_hosts(now)


def settings_of(runbook: Runbook, ledger: Ledger, *, may_fail: int | None = None) -> dict[str, Any]:
    """What the playbook leaves to whoever runs it: here, each invocation names its hosts, and what is decided stays."""
    settings = needed_steps.settings(runbook, ledger.decided_on)
    settings |= {"runbook_serial": "100%"} if runbook.serial else {}
    if runbook.max_failures:
        settings["runbook_may_fail"] = portion(runbook.max_failures, 0) if may_fail is None else may_fail
    return settings
