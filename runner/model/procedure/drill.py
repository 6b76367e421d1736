"""How a runbook is rehearsed: what breaks the system, how that is seen, and what must hold when it is mended."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, InstanceOf

from runner.core.fields import AtLeastOne, Limit, Model
from runner.core.identifiers import Spelling
from runner.model.input import Value
from runner.model.names import Name
from runner.model.step import Step

PHASES = ("inject", "symptom", "proof", "undo")
"""The keys of a drill that have steps, in the order in which they are done."""


class DrillProbe(Model):
    """What a user of the system would ask all the time: well is a 200.

    Where the host of the URL is a host or a group of the inventory, that one is asked, or the first of its hosts.
    """

    http: Annotated[str, Spelling(r"^http://[^\s/]+(?:/\S*)?$", "an http URL like http://load_balancer/health")]


class Drill(Model):
    """What a rehearsal needs besides the runbook; each phase has steps like those of a procedure.

    `inputs` are what the runbook is given. `inject` breaks the system, `symptom` shows that it is broken in the way the
    runbook is for, `proof` that nothing is lost now that it is mended, and `undo` takes back what the rehearsal has
    changed. `budget` is how long the runbook may take until the probe sees the system well again.
    """

    inputs: dict[Name, Value] = {}
    probe: DrillProbe
    inject: AtLeastOne[InstanceOf[Step]]
    symptom: AtLeastOne[InstanceOf[Step]]
    proof: AtLeastOne[InstanceOf[Step]]
    undo: tuple[InstanceOf[Step], ...] = ()
    budget: Limit = Field(default=timedelta(minutes=5))

    def steps(self, *phases: str) -> tuple[Step, ...]:
        """The steps of the `phases`, in their order."""
        found: dict[str, Any] = {phase: getattr(self, phase) for phase in phases}
        return tuple(step for steps in found.values() for step in steps)
