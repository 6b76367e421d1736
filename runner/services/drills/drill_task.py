"""What is asked of a drill, and what it is done with."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from runner.core.deferred import dataclass
from runner.core.errors import InvalidInputError
from runner.core.events import Clock, EventType, Outcome
from runner.core.secrets import SecretUnavailableError
from runner.core.wording import listed
from runner.lab.drills.drill_phases import DrillPhases
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.mentions import mentioned_in
from runner.model.procedure.drill import PHASES, Drill
from runner.model.verification import Verification
from runner.orchestrator.request import Result, RunRequest
from runner.render.drills.drill_result import DrillMoment, DrillTest, Training
from runner.services.drills.hosts_that_stay import DrillUndo, PlayedUndo
from runner.services.drills.recorded_calls import Switchboard
from runner.store.log.envelope import Record

PATIENCE = 30.0
"""Seconds in which the probe must see the system well before, and broken after the fault."""

Start = Callable[[RunRequest, float], Result]
"""Does a request, with whatever draws and answers around it, for a drill that began then on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class DrillTask:
    """What is asked for: which drill of which runbook, in which of its tests, and where.

    `backend` is what the hosts are called, `ansible` leads to them, and `inventory` is what it reads of them. `source`
    is of `library`.
    """

    library: Library
    source: Source
    drill: Drill
    test: DrillTest
    ansible: PlainAnsible
    inventory: Inventory
    backend: str

    def check_environment(self) -> None:
        """That none of the hosts is of production.

        Raises:
            InvalidInputError: one is.
        """
        if production := self.inventory.of_production:
            raise InvalidInputError(
                f"nothing is broken in production, to which {listed(production)} belongs",
                hint="use inventories/lab; a host that is none of production says its class in runbook_environment",
            )

    @property
    def name(self) -> str:
        """The id of the runbook, with that of the drill where it has several."""
        return "/".join(filter(None, (self.source.id, self.drill.id)))

    def inputs(self, secrets: Callable[[str], str]) -> dict[str, Any]:
        """What the runbook is given, as the drill's own steps and its probe need it: no secret that none of them names.

        Raises:
            InvalidInputError: a secret is not where its reference leads to.
        """
        asked = (self.drill.probe, *self.drill.abort_if, self.drill.alert)
        looks = [each.look for each in asked if each]
        runbook, own = self.source.runbook, [*looks, *self.drill.steps(*PHASES)]
        given = runbook.complete(self.drill.inputs)
        try:
            found = {name: secrets(given[name]) for name in mentioned_in(own, runbook.secrets & given.keys())}
        except SecretUnavailableError as error:
            raise InvalidInputError(f"the drill of {self.source.id} needs a secret: {error}") from None
        return {name: value for name, value in given.items() if name not in runbook.secrets} | found

    @property
    def exception(self) -> str:
        """Why the test shows nothing here; empty where it does."""
        if self.test is DrillTest.NO_FAULT and self.drill.without_fault == "passes":
            return f"as the runbook says, a healthy system is worked on, too ({self.source.runbook.category})"
        return ""

    @property
    def looks(self) -> Mapping[str, Verification]:
        """The verifications of the runbook that a machine makes, as `step/number`."""
        steps = self.source.runbook.procedure
        return {f"{step.id}/{number}": each for step in steps for number, each in step.automated}

    def seen_red(self, records: Iterable[Record]) -> tuple[str, ...]:
        """Those that failed by the `records` of a run, at last or in a look before the one that held."""
        looks, red = self.looks, dict[str, None]()
        for each in records:
            if each.type == EventType.VERIFICATION_FINISHED:
                name = f"{each.step}/{str(each.data['part']).rpartition('/')[2]}"
                asked_again = name in looks and looks[name].within and len(each.data.get("trend", ())) > 1
                red |= {name: None} if asked_again or each.data.get("outcome") == Outcome.FAILED else {}
        return tuple(red)


@dataclass(frozen=True, slots=True)
class DrillConditions:
    """Who does the runs of a drill and hears of it, what time it is, and where its pages arrive.

    `secrets` gives the value behind a reference. `undo` is how the drill of that id is taken back, and its hosts are
    `held` meanwhile. `stopped` says why all drills are to end, and `stop_run` ends the run of that id.
    Where somebody is trained, `follow` has them do what a run does else.
    """

    start: Start
    say: Callable[[DrillMoment], None]
    clock: Clock
    new_run_id: Callable[[], str]
    secrets: Callable[[str], str]
    switchboard: Switchboard
    patience: float = PATIENCE
    undo: Callable[[DrillPhases, str], DrillUndo] = lambda phases, _run: PlayedUndo(phases)
    held: Callable[[str], AbstractContextManager[Any]] = nullcontext
    stopped: Callable[[], str] = str
    follow: Callable[[DrillPhases, str], Training] | None = None
    stop_run: Callable[[str, str], None] = lambda _run, _why: None
