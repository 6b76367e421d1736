"""What a run would do, and what would refuse it now: hosts, commands, questions, blast radius. Nothing is executed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from runner.compiler.blast_radius import blast_radius
from runner.compiler.command_preview import lines
from runner.compiler.segments import after, before
from runner.core.deferred import dataclass
from runner.core.duration import show
from runner.core.redaction import Redaction
from runner.core.step_tags import undo_id
from runner.core.wording import listed
from runner.escalation.ladder import due, levels
from runner.executor.job import NOTHING, JobPart
from runner.executor.target import Target, check_hosts
from runner.lint.rules.gaps import needed_variables
from runner.model.contacts import Contact
from runner.model.escalation_policy import in_words
from runner.model.procedure import called_runbooks
from runner.model.procedure.step_numbers import NumberedStep, tree
from runner.model.runbook import Runbook
from runner.model.step import HandOver, Step
from runner.orchestrator.continuation import handover
from runner.orchestrator.request import RunRequest
from runner.orchestrator.run_environment import Installation
from runner.orchestrator.start.admission import case_for
from runner.orchestrator.start.guards import Ruling, environment, rules
from runner.services.run_list import held_locks, owed_undos
from runner.store.locks.holder import blocked

Previews = Mapping[str, tuple[str, ...]]
"""What is done on each host: the statement, and each thing around it."""


@dataclass(frozen=True)
class PlannedStep:
    """What a step, and its undo, would do on each host; `previews` and `undo_previews` have it line by line.

    `on` is the one host that does it for all of these, and `each` says for which items it is done. `number` is the one
    that people read; `only_if` says where it is needed, empty where it always is. `branches` are those of a diagnosis,
    in words, `depth` in how many of them the step stands.
    """

    id: str
    number: str
    name: str
    only_if: str
    effect: str
    hosts: tuple[str, ...]
    on: str
    each: str
    asks: tuple[str, ...]
    timeout: str | None
    verifies: tuple[str, ...]
    on_failure: str
    undo: str | None
    point_of_no_return: bool
    previews: Previews
    undo_previews: Previews
    branches: tuple[str, ...] = ()
    depth: int = 0

    def as_data(self) -> dict[str, Any]:
        """The same as JSON has it."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("previews", "undo_previews"):
            commands = {host: "\n".join(preview) for host, preview in data.pop(name).items()}
            data[name.replace("previews", "commands")] = commands
        return data


@dataclass(frozen=True)
class PlannedRun:
    """The whole plan; `debts`, `held` and the `guards` that are not met stand in the way of the run now.

    `steps` are in the order in which people read them; after `last_safe_stop` of these one cannot go back.
    """

    runbook: str
    title: str
    environment: str
    hosts: tuple[str, ...]
    inputs: Mapping[str, Any]
    limits: Mapping[str, str]
    calls: Mapping[str, tuple[str, ...]]
    prerequisites: tuple[PlannedStep, ...]
    steps: tuple[PlannedStep, ...]
    triggers: tuple[str, ...]
    debts: tuple[str, ...]
    guards: tuple[Ruling, ...]
    held: tuple[str, ...]
    last_safe_stop: int | None
    radius: str

    def as_data(self) -> dict[str, Any]:
        """The same as JSON has it."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        steps = {name: [step.as_data() for step in data[name]] for name in ("prerequisites", "steps")}
        return {**data, **steps, "guards": [asdict(ruling) for ruling in self.guards]}


def plan_run(request: RunRequest, installation: Installation) -> PlannedRun:
    """What `start_run` would do with the same request. No host is contacted, and nothing is recorded.

    Raises:
        RunbookError: the inventory cannot be read, or a host or a runbook that may take over is missing.
    """
    handover.check(request)
    runbook, redaction = request.source.runbook, Redaction()
    names = [name for step in runbook.procedure for name in (step.id, *([undo_id(step.id)] if step.undo else ()))]
    rendered = JobPart(NOTHING.tags, render=names)
    inventory = installation.executor.resolve(request.job(installation.environ, redaction.learn), rendered)
    target = Target.from_message(inventory)
    target.check(runbook)
    target.check_others(runbook, request.find)
    target.check_variables(runbook, needed_variables(request.source))
    check_hosts(runbook, request.inputs, inventory.get("names") or ())
    previews: Mapping[str, Previews] = {
        step: {host: tuple(map(redaction.text, lines(command))) for host, command in hosts.items()}
        for step, hosts in (inventory.get("commands") or {}).items()
    }
    previews = {**previews, **_called(request, target)}
    items = {
        step: {host: len(command["items"]) for host, command in hosts.items() if "items" in command}
        for step, hosts in (inventory.get("commands") or {}).items()
    }
    numbered = tree(runbook.steps)
    radius = blast_radius(runbook, target, total=inventory.get("inventory_hosts"), items=items, find=request.find)
    owed = owed_undos(installation.state, target.names)
    return PlannedRun(
        runbook=runbook.id,
        title=runbook.title,
        environment=target.environment,
        hosts=target.names,
        inputs=dict(request.inputs),
        limits=_limits(runbook),
        calls=_calls(runbook, request.contacts, installation.clock().wall),
        prerequisites=tuple(_planned(runbook, step, target, previews) for step in runbook.prerequisites),
        steps=tuple(_planned(runbook, item.step, target, previews, item) for item in numbered),
        triggers=tuple(trigger.in_words for trigger in runbook.watch),
        debts=tuple(f"{each.host}: {each.step} of {each.runbook} is not undone" for each in owed),
        guards=_guards(request, target, installation),
        held=_held(runbook, target, installation),
        last_safe_stop=next((n for n, item in enumerate(numbered) if item.at == radius.last_safe), None),
        radius=str(radius),
    )


def _guards(request: RunRequest, target: Target, installation: Installation) -> tuple[Ruling, ...]:
    """What each guard would rule now, as a preflight says it."""
    now, log = installation.clock().wall, installation.state.log_path
    case = case_for(request, target, installation, now=now, log=log)
    return (*rules(case), *environment(case))


def _held(runbook: Runbook, target: Target, installation: Installation) -> tuple[str, ...]:
    """Who holds now what the run would have to itself."""
    wanted = {*target.locks, *(f"lock:{name}" for name in runbook.locks)}
    held = [(name, holder) for name, holder in held_locks(installation.state, installation.clock) if name in wanted]
    now = installation.clock()
    return tuple(each.sentence(now) for each in blocked(held))


def _planned(
    runbook: Runbook, step: Step, target: Target, previews: Mapping[str, Previews], item: NumberedStep | None = None
) -> PlannedStep:
    gates = (*before(step), *after(step))
    plain = step.branch is None or not (step.branch.asks or step.branch.decides or step.branch.stops)
    fails = f"hand over to {step.on_failure.run}" if isinstance(step.on_failure, HandOver) else step.on_failure
    return PlannedStep(
        id=step.id,
        number=item.label if item else "",
        name=step.name,
        only_if="" if step.branch and step.branch.asks else step.only_if or "",
        effect=str(step.effect),
        hosts=target.of(runbook, step),
        on=target.delegate(step),
        each=step.each.describe() if step.each else "",
        asks=tuple(f"{gate.kind}: {' '.join(gate.text.split())}" for gate in gates),
        timeout=show(step.timeout) if step.acts and (plain or (step.branch and step.branch.asks)) else None,
        verifies=tuple(each.says for each in step.verify) if plain else (),
        on_failure=fails,
        undo=step.undo.action.describe() if step.undo else None,
        point_of_no_return=step.point_of_no_return,
        previews=_previews(step, previews.get(step.id, {}), target.of(runbook, step)),
        undo_previews=previews.get(undo_id(step.id), {}),
        branches=tuple(f"{letter} {when}" for letter, when in step.branch.branches.items()) if step.branch else (),
        depth=item.depth if item else 0,
    )


def _previews(step: Step, found: Previews, hosts: Sequence[str]) -> Previews:
    """What is shown of what `step` does: of one in a diagnosis no more than is known before anything is asked."""
    if step.computes:
        return dict.fromkeys(hosts, tuple(f"keep {name} = {value}" for name, value in step.capture.items()))
    if step.branch and step.branch.stops:
        return dict.fromkeys(found, (f"end the run here: {step.branch.stops}",))
    return {} if step.branch and step.branch.decides else found


def _called(request: RunRequest, target: Target) -> dict[str, Previews]:
    """What other runbooks would do for steps, as it is written."""
    runbook, find = request.source.runbook, request.find
    does = [(step, called_runbooks.in_lines(step, find, request.inputs)) for step in runbook.procedure if step.runs]
    return {step.id: dict.fromkeys(target.of(runbook, step), lines) for step, lines in does if lines}


def _limits(runbook: Runbook) -> dict[str, str]:
    """How many hosts at a time, and what ends or holds up the whole run."""
    limits = {
        "serial": ", ".join(map(str, runbook.serial or ())),
        "max_failures": str(runbook.max_failures or ""),
        "deadline": show(runbook.deadline) if runbook.deadline else "",
        "locks": ", ".join(runbook.locks),
    }
    return {name: value for name, value in limits.items() if value}


def _calls(runbook: Runbook, contacts: Mapping[str, Contact], now: datetime) -> dict[str, tuple[str, ...]]:
    """When somebody would be called, and who, by which channels; and who would not be `now`, at this hour."""
    policy = runbook.escalation
    names = policy.contacts
    channels = {
        name: ", ".join(each.key for each in contacts[name].channels) if name in contacts else "" for name in names
    }
    first = due(levels(names, contacts), contacts, policy.next_after, (), now)
    asleep = {
        name: f" ({' and '.join(contacts[name].hours)} only; now {listed(first.names)} instead)"
        for name in first.passed_over
    }
    return {
        "when": tuple(map(in_words, policy.when)),
        "who": tuple(f"{name} by {by or 'no channel'}{asleep.get(name, '')}" for name, by in channels.items()),
    }
