"""What the questions of a run are about, each described whole: when it asks them, and for people who answer before."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.approvals.gate_context import GateContext
from runner.compiler.segments import Gate
from runner.core.deferred import dataclass
from runner.executor.target import Target
from runner.model.run_policy import RunPolicy
from runner.orchestrator.gate.gate_facts import action_on, judged, members_of, sources, told
from runner.orchestrator.request import RunRequest


@dataclass(frozen=True, slots=True)
class GateSubjects:
    """What is the same for all questions of the run of `request`, which `starters` have begun for a `reason`.

    `previews` has what each step would do on each host, where that was rendered.
    """

    request: RunRequest
    environment: str
    policy: RunPolicy
    starters: tuple[str, ...]
    reason: str
    previews: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def describe(
        self,
        gate: Gate,
        hosts: Sequence[str],
        target: Target,
        inputs: Mapping[str, Any],
        captured: Mapping[str, Mapping[str, Any]],
        *,
        now: bool = False,
    ) -> GateContext:
        """All that `gate` is about on `hosts`; with `now` by the files as they are, else by those that were read.

        Raises:
            InvalidInputError: it is for a group of which nobody is a member.
        """
        step, request = gate.step, self.request
        on = target.delegate(step)
        addresses = {host: target.machines.get(on or host, on or host) for host in hosts}
        asks = gate.kind == "approve" and request.mode != "auto"  # where a machine may answer, it does
        approval = step.approve if asks else None
        group = (approval.group or "") if approval else ""
        known = self.previews.get(step.id, {})
        previews = {host: told(step, known.get(host), request.contacts) for host in hosts}
        return GateContext(
            run=request.run_id,
            runbook=request.source.runbook.id,
            title=request.source.runbook.title,
            gate=gate.id,
            kind=gate.kind,
            step=step.id,
            name=step.name,
            text=gate.text,
            environment=self.environment,
            starters=self.starters,
            hosts={
                host: action_on(addresses[host], gate, captured.get(host, {}), previews[host], on=on) for host in hosts
            },
            why=step.why or "",
            effect="" if step.manual or not step.action else str(step.effect),
            crossing=step.point_of_no_return,
            undo=step.undo.action.describe() if step.undo else "",
            reason=self.reason,
            verifications=tuple(map(judged, step.verify)),
            inputs=dict(inputs),
            min=approval.min if approval else 1,
            group=group,
            members=members_of(group, gate, request.contacts) if group else (),
            four_eyes=asks and self._four_eyes,
            shared_account=self.policy.shared_account,
            only_if=step.only_if or "",
            expires=approval.expires.total_seconds() if approval else None,
            sources=sources(request, now=now),
        )

    @property
    def _four_eyes(self) -> bool:
        """Whether nobody may approve what they have started themselves; a broken glass is for when they are alone."""
        return (self.environment == "production" or self.policy.four_eyes) and not self.request.break_glass
