"""The yes of people in one run: what they were asked, and whether it is still what would be done."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from runner.approvals.gate_changes import differences
from runner.approvals.gate_context import GateContext
from runner.compiler.segments import Gate
from runner.core.errors import DeniedError
from runner.core.events import EventType
from runner.executor.target import Target
from runner.model.run_policy import RunPolicy
from runner.orchestrator.gate.gate_subjects import GateSubjects
from runner.orchestrator.recorder import Recorder
from runner.orchestrator.run_environment import RunEnvironment
from runner.orchestrator.run_plan import RunPlan
from runner.store.log.envelope import person
from runner.store.run_state import RunDirectory


class Approvals:
    """What people are asked in one run, and what they have said yes to.

    `approved` has the questions to which people have said yes, each with its description; `previews` has what each step
    would do on each host, where that was rendered.
    """

    def __init__(
        self,
        plan: RunPlan,
        env: RunEnvironment,
        recorder: Recorder,
        directory: RunDirectory,
        previews: Mapping[str, Mapping[str, Mapping[str, Any]]],
    ) -> None:
        self.approved: dict[str, tuple[Gate, GateContext]] = {}
        self._plan, self._request, self._env = plan, plan.request, env
        self._recorder, self._directory, self._previews = recorder, directory, previews

    def describe(self, gate: Gate, hosts: Sequence[str]) -> GateContext:
        """All that `gate` is about on `hosts`.

        Raises:
            InvalidInputError: it is for a group of which nobody is a member.
        """
        return self._described(gate, hosts, self._plan.target, self._request.inputs, self._recorder.captured)

    def check(self, step: str, seen: Target, limit: Sequence[str]) -> None:
        """That `step` will do what people have said yes to, on the hosts to which this invocation is limited.

        Raises:
            DeniedError: something that decides what it does has become another thing, so that the yes is void.
        """
        gate, approved = self.approved[step]
        before = {host: action for host, action in approved.hosts.items() if not limit or host in limit}
        hosts = [host for host in before if host in seen.names]
        state = self._directory.state
        now = self._described(gate, hosts, seen, state.inputs, state.captured, seen.policy)
        now = replace(now, environment=seen.environment)
        if changes := differences(replace(approved, hosts=before), now):
            self.void(approved, changes)
            raise DeniedError(
                f"the approval of {step} is void: {'; '.join(changes)}",
                hint=f"find out who changed that, then runbook resume {self._request.run_id} asks again",
            )

    def void(self, asked: GateContext, changes: Sequence[str]) -> None:
        """Record that what was answered to `asked` counts no more, because of these `changes`."""
        data = {"changes": list(changes), "reason": "; ".join(changes), "subject": asked.subject}
        self._recorder.note(EventType.GATE_VOIDED, asked.step, **data)

    def _described(
        self,
        gate: Gate,
        hosts: Sequence[str],
        target: Target,
        inputs: Mapping[str, Any],
        captured: Mapping[str, Mapping[str, Any]],
        seen: RunPolicy | None = None,
    ) -> GateContext:
        """What `gate` is about; `seen` is the policy that the inventory has by now, after it was answered."""
        about = GateSubjects(
            request=self._request,
            environment=self._plan.target.environment,
            policy=seen or self._plan.policy,
            starters=tuple(dict.fromkeys([person(self._directory.state.user), self._env.actor.person])),
            reason=self._recorder.redaction.text(self._request.reason or self._request.break_glass),
            previews=self._previews,
        )
        return about.describe(gate, hosts, target, inputs, captured, now=seen is not None)
