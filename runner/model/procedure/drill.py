"""How a runbook is rehearsed: what breaks the system, how that is seen, and what must hold when it is mended."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, InstanceOf, model_validator

from runner.core.fields import AtLeastOne, Limit, Model, Several, Title
from runner.core.identifiers import StepId
from runner.core.templates import Template
from runner.kinds.verifications.base import VerificationKind
from runner.model.input import Value
from runner.model.names import Contact, HostPattern, Name
from runner.model.step import Step
from runner.model.verification import Verification

PHASES = ("inject", "symptom", "proof", "undo")
"""The keys of a drill that have steps, in the order in which they are done."""

PARTS = (("inject", "symptom"), ("proof",), ("undo",))
"""The phases that are done by one playbook: what a step of it captures, the later ones of it have."""

OF_PROBES = frozenset({"hosts", "ca", "uninterrupted"})
"""The keys of a probe besides those of a verification."""

ASKED_DIRECTLY = ("ansible.builtin.uri", "ansible.builtin.command")
"""The modules whose work a probe can do by itself, many times in a second and without Ansible."""


class DrillProbe(Model):
    """What a user of the system would ask all the time: `look` is the question, and what is a good answer.

    An HTTP request is made from the machine where runbookctl runs; where the host of its URL is a host or a group of
    the inventory, that one is asked, or the first of its hosts. With `hosts` the first of these is asked, whatever the
    host of the URL is called, and its certificate must be signed by `ca`. A command or a query is done on the first of
    `hosts`. With `uninterrupted` no answer may be bad, from before the fault until the end.
    """

    look: InstanceOf[Verification]
    hosts: HostPattern | None = None
    ca: Template | None = None
    uninterrupted: bool = False

    @model_validator(mode="after")
    def _looks_once(self) -> Self:
        asked = self.look.probe()
        if asked is None or asked.module not in ASKED_DIRECTLY:
            raise ValueError("asks nothing that can be asked all the time; add http, command or sql")
        if self.look.within or self.look.held:
            raise ValueError("is asked again and again anyway; leave `within` and `hold_for` out")
        return self

    @property
    def kind(self) -> VerificationKind:
        """What is asked."""
        return next(kind for kind in self.look.kinds if kind.probes)


class Drill(Model):
    """What a rehearsal needs besides the runbook; each phase has steps like those of a procedure.

    `inputs` are what the runbook is given. `inject` breaks the system, `symptom` shows that it is broken in the way
    the runbook is for, `proof` that nothing is lost now that it is mended, and `undo` takes back what the rehearsal
    has changed. `budget` is how long the runbook may take until the probe sees the system well again. Several
    drills of a runbook are told apart by their `id`. `ends` is how the run must end, `called` are the contacts that
    it must call, `without_fault` is what it does with a healthy system. `backends` are where it may be done: on the
    machines of a lab, or also on hosts that are this machine. On hosts that stay it breaks `max_hosts` at most;
    those who are to know are told in `announce` before and after. It ends early where one of `abort_if` holds.
    After the fault the alert `expect_alert` must fire in the time that it says. `restores: snapshot` has its hosts
    restored from what their inventory makes of them before.
    """

    id: StepId | None = None
    name: Title | None = None
    inputs: dict[Name, Value] = {}
    probe: DrillProbe
    inject: tuple[InstanceOf[Step], ...] = ()
    symptom: AtLeastOne[InstanceOf[Step]]
    proof: tuple[InstanceOf[Step], ...] = ()
    undo: tuple[InstanceOf[Step], ...] = ()
    budget: Limit = Field(default=timedelta(minutes=5))
    ends: Literal["passed", "failed"] = "passed"
    called: Several[Contact] = ()
    without_fault: Literal["refuses", "passes"] = "refuses"
    backends: AtLeastOne[Literal["lab", "embedded"]] = ("lab",)
    max_hosts: Annotated[int, Field(ge=1)] = 1
    abort_if: tuple[DrillProbe, ...] = ()
    expect_alert: InstanceOf[Verification] | None = None
    announce: Several[Contact] = ()
    restores: Literal["undo", "snapshot"] = "undo"

    @model_validator(mode="after")
    def _can_show_something(self) -> Self:
        if not self.inject and not self.probe.uninterrupted:
            raise ValueError("breaks nothing; add `inject`, or `uninterrupted: true` to the probe")
        if not self.inject and self.without_fault == "refuses":
            raise ValueError("breaks nothing, so that the runbook cannot refuse it; write `without_fault: passes`")
        return self

    @model_validator(mode="after")
    def _waits_for_an_alert(self) -> Self:
        look = self.expect_alert
        asked = look.probe() if look else None
        if look and not (asked and asked.on_controller and isinstance(look.within, timedelta)):
            raise ValueError("has an `expect_alert` that is not like MON-005 within 3m")
        return self

    @property
    def alert(self) -> DrillProbe | None:
        """What asks whether the alert fires that it must cause."""
        return DrillProbe(look=self.expect_alert.model_copy(update={"within": None})) if self.expect_alert else None

    @property
    def alert_within(self) -> timedelta:
        """In which time; none where no alert must fire."""
        within = self.expect_alert.within if self.expect_alert else None
        return within if isinstance(within, timedelta) else timedelta()

    def steps(self, *phases: str) -> tuple[Step, ...]:
        """The steps of the `phases`, in their order."""
        found: dict[str, Any] = {phase: getattr(self, phase) for phase in phases}
        return tuple(step for steps in found.values() for step in steps)

    def asks_the_probe(self, step: Step) -> bool:
        """Whether `step` only judges one answer of the probe: what must hold for long is looked at."""
        return step.action is None and all(self.probe.kind in each.kinds and not each.held for each in step.verify)
