"""What a drill would do to hosts that stay, and whether it may: shown and refused before anything is broken."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import timedelta
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.wording import listed
from runner.lab.drills.armed_undo import HostUndo, host_undos, snapshot
from runner.lab.drills.host_identity import values_of
from runner.lab.drills.plain_ansible import Inventory
from runner.library.runbook_source import Source
from runner.model.procedure.drill import PHASES, Drill
from runner.model.step import Effect, Step
from runner.services.drills.drill_task import DrillTask
from runner.services.drills.hosts_that_stay import GRACE

DISPOSABLE = "lab"
"""The class of hosts that are thrown away."""
_HERE = "localhost"


@dataclass(frozen=True, slots=True)
class DrillStepPlan:
    """A step of a drill: its name, on which `hosts` it does what, and the words with which it `destroys` data."""

    name: str
    hosts: tuple[str, ...]
    does: str
    destroys: str = ""


@dataclass(frozen=True, slots=True)
class DrillPlan:
    """What the drill `name` `breaks` in the `environment`, and how it is taken back, `at_most` so long after it began.

    With `undos` the hosts do that themselves; what `saves` them is done before. `inventory` is what it was made of,
    `machines` are its hosts, each by the hash of what the machine says that was compared with production; `remarks` say
    what was not compared. `tells` are the contacts who hear of it before and after.
    """

    name: str
    title: str
    environment: str
    breaks: tuple[DrillStepPlan, ...]
    takes_back: tuple[DrillStepPlan, ...]
    at_most: timedelta
    inventory: Inventory = field(repr=False)
    undos: tuple[HostUndo, ...] = field(default=(), repr=False)
    saves: tuple[Step, ...] = field(default=(), repr=False)
    machines: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts of which something is broken or taken back."""
        return tuple(dict.fromkeys(host for step in (*self.breaks, *self.takes_back) for host in step.hosts))

    @property
    def shown(self) -> Sequence[Any]:
        """What somebody has agreed to."""
        return self.environment, self.breaks, self.takes_back, self.at_most

    @property
    def asks(self) -> bool:
        """Whether somebody must agree: its hosts are not thrown away."""
        return self.environment != DISPOSABLE


def plan_drill(
    task: DrillTask, inputs: Mapping[str, Any], *, grace: timedelta = GRACE, longest: timedelta = timedelta()
) -> DrillPlan:
    """What `task` does with these `inputs`; `grace` after its budget the hosts take it back by themselves.

    It may last as long as its budget, or the `longest` time that there is besides.

    Raises:
        InvalidInputError: it may not be done there: too many hosts, an undo that a host cannot do alone, one that
            might come before the fault, or a machine that is none of the inventory.
    """
    drill, runbook = task.drill, task.source.runbook
    for step in drill.steps(*PHASES):
        _check_machines(step, task.inventory)
    environment, at_most = task.inventory.environment, drill.alert_within + max(drill.budget, longest) + grace
    broken = broken_by(drill, task.source, task.inventory)
    undos, saves = tuple[HostUndo, ...](), tuple[Step, ...]()
    if environment != DISPOSABLE:
        if len(broken) > drill.max_hosts:
            few = f"breaks {len(broken)} hosts ({listed(broken)}), and may break {drill.max_hosts}"
            hint = f"name fewer under `inject`, or write max_hosts: {len(broken)}"
            raise InvalidInputError(f"the drill of {task.name} {few}", hint=hint)
        undos = host_undos(task.source, drill, task.inventory)
        saves = snapshot(drill, broken)
        if sum((step.timeout for step in drill.inject), timedelta()) >= at_most:
            late = f"may still go on after {at_most.total_seconds():g} s, when it is taken back"
            hint = "give the steps of `inject` a shorter timeout, or the drill a longer budget"
            raise InvalidInputError(f"the fault of {task.name} {late}", hint=hint)
    breaks, takes_back = (
        tuple(_planned(task, step, inputs) for step in steps) for steps in ((*saves, *drill.inject), drill.undo)
    )
    title = drill.name or runbook.title
    return DrillPlan(
        *(task.name, title, environment, breaks, takes_back, at_most, task.inventory, undos, saves),
        tells=drill.announce if environment != DISPOSABLE else (),
    )


def broken_by(drill: Drill, source: Source, inventory: Inventory) -> tuple[str, ...]:
    """The hosts of which `drill` breaks something."""
    return tuple(dict.fromkeys(host for step in drill.inject for host in _machines(step, source, inventory)))


def _machines(step: Step, source: Source, inventory: Inventory) -> tuple[str, ...]:
    """The hosts on which `step` does something: those that it is done for, or the machine that does it for them."""
    return (_HERE,) if step.on == _HERE else inventory.hosts_of(step.on or step.hosts or source.runbook.hosts)


def _check_machines(step: Step, inventory: Inventory) -> None:
    """That each other machine on which `step` is done, or looked at, is one host of `inventory`: Ansible takes any.

    Raises:
        InvalidInputError: one is not.
    """
    for name in filter(None, (step.on, *step.machines)):
        if name != _HERE and len(inventory.hosts_of(name)) != 1:
            hint = "`on` and `from` are one machine: name a host, a group of exactly one, or localhost"
            raise InvalidInputError(f"{name!r}, which the drill names, is not one host", hint=hint)


def _planned(task: DrillTask, step: Step, inputs: Mapping[str, Any]) -> DrillStepPlan:
    hosts = task.inventory.hosts_of(step.hosts or task.source.runbook.hosts)
    action = step.action
    values = values_of(task.inventory, hosts[0], {**inputs, "groups": task.inventory.groups, "step_host": hosts[0]})
    does = str(values.filled(action.describe(), missing="...")) if action else ""
    destroys = str(values.filled(action.destroys(task.source.read_file), missing="...")) if action else ""
    destroys = destroys or ("data" if step.effect is Effect.DESTRUCTIVE else "")
    return DrillStepPlan(step.name, _machines(step, task.source, task.inventory), does, destroys)
