"""A drill: a system is broken, its runbook mends it, and what only looks from outside says whether it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from runner.compiler.compiler import compile_runbook, variables
from runner.core.errors import ExecutionError, InvalidInputError
from runner.core.wording import listed
from runner.kinds.verifications.http_probe import Request
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.lab.flow import DemoResult, Rehearsal, Stage, repair
from runner.library.library import Source
from runner.model.procedure.drill import Drill

_NAMES: Mapping[str, str] = {
    "inject": "the fault",
    "proof": "the proof",
    "undo": "the undo of the rehearsal",
}


def drill(
    stage: Stage,
    source: Source,
    ansible: PlainAnsible,
    *,
    fault: bool = True,
    remediation: bool = True,
    patience: float = 10.0,
) -> DemoResult:
    """Do the drill of the runbook in `source` on the hosts of the stage's inventories, which `ansible` has too.

    `patience` are the seconds in which the probe must see the system well before, and broken after the fault.

    It is passed if the probe has seen the system broken and well again within the budget, the runbook passed, and the
    proof holds. Without the `fault`, or without the `remediation`, it must not pass.

    Raises:
        InvalidInputError: the runbook says nothing of a drill, or the inventory is of production.
        ExecutionError: the system could not be broken in this way, or what was changed for it is not undone.
    """
    plan, inventory = _plan(source), ansible.inventory()
    if inventory.of_production:
        raise InvalidInputError(
            f"nothing is broken in production, to which {listed(inventory.of_production)} belongs",
            hint="use inventories/lab; a host that is none of production says its class in runbook_environment",
        )
    phases = _Phases(source, plan, ansible)
    rehearsal = Rehearsal(
        runbook=source.id,
        inputs=plan.inputs,
        url=_asked(plan, inventory),
        inject=phases.inject,
        budget=plan.budget.total_seconds(),
        patience=patience,
    )
    try:
        result = repair(stage, rehearsal, fault=fault, remediation=remediation)
        if fault and remediation and result.ok:
            result = _proven(stage, phases, result)
    finally:
        if fault:
            phases.play("undo")
    return result


def _plan(source: Source) -> Drill:
    if not source.runbook.drill:
        raise InvalidInputError(
            f"{source.id} says nothing of how it is rehearsed", hint="write `drill:` with probe, inject, symptom, proof"
        )
    return source.runbook.drill[0]


def _asked(plan: Drill, inventory: Inventory) -> str:
    """The URL that the probe asks, with an address in the place of the name of a host or a group."""
    if not isinstance(request := getattr(plan.probe.kind, "http", None), Request):
        raise InvalidInputError("its probe asks nothing over HTTP")
    parts = urlsplit(request.url)
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=inventory.address(parts.hostname or "") + port))


def _proven(stage: Stage, phases: _Phases, result: DemoResult) -> DemoResult:
    try:
        phases.play("proof")
    except ExecutionError as error:
        stage.say(f"NOT PROVEN {error.hint}")
        return replace(result, ok=False)
    stage.say(f"PROVEN     {phases.in_words('proof')}; well {result.recovery:.1f} s after the runbook began")
    return result


@dataclass(frozen=True, slots=True)
class _Phases:
    """The parts of a drill, each done by plain Ansible: no record of a run is made of them."""

    source: Source
    plan: Drill
    ansible: PlainAnsible

    def inject(self) -> str:
        """Break the system and see the symptom; returns what was done, in words."""
        self.play("inject", "symptom")
        return self.in_words("inject")

    def in_words(self, phase: str) -> str:
        """The names of the steps of `phase`."""
        return "; ".join(step.name for step in self.plan.steps(phase))

    def play(self, *phases: str) -> None:
        """Do the steps of the `phases`.

        Raises:
            ExecutionError: one fails, or does not pass.
            InvalidInputError: a file that one names cannot be used.
        """
        if not (steps := self.plan.steps(*phases)):
            return
        runbook = self.source.runbook
        part = runbook.model_copy(update={"prerequisites": (), "steps": steps, "on_cancel": (), "serial": None})
        inputs: dict[str, Any] = runbook.complete(self.plan.inputs)
        try:
            text = compile_runbook(part, self.source.read_file, self.source.values).render()
        except ValueError as error:
            raise InvalidInputError(f"{self.source.path}: drill: {error}") from None
        playbook = self.ansible.directory / f"{phases[0]}.yml"
        playbook.write_text(text, encoding="utf-8")
        values = variables(runbook, inputs)
        self.ansible.play(_NAMES[phases[0]], playbook, values, log=playbook.with_suffix(".log"))
