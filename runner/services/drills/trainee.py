"""Somebody is trained: the system is broken, and they mend it by the runbook, step by step and with few hints."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import timedelta
from typing import Literal, Protocol

from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError, InvalidInputError, RunbookError
from runner.core.events import Clock
from runner.lab.drills.drill_phases import DrillPhases
from runner.library.library import Library
from runner.library.runbook_source import Source
from runner.model.mentions import mentioned_in
from runner.model.runbook import Exclusion
from runner.model.step import Step
from runner.render.drills.drill_result import TOLD, TrainedStep, Training

LONGEST = timedelta(minutes=30)
"""How long somebody may take who is trained, where the budget of the drill is not longer."""

_PATIENCE = timedelta(seconds=10)
"""For how long what somebody has done may take to show."""


@dataclass(frozen=True, slots=True)
class AlertText:
    """What an alert tells at night: its id, what it says, how severe it is, where, and what a user `sees`."""

    alert: str
    says: str
    severity: str
    hosts: tuple[str, ...]
    sees: str


@dataclass(frozen=True, slots=True)
class StepToDo:
    """A step for somebody to do: which of how many it is, and what can be told of it, one hint after the other."""

    number: int
    of: int
    name: str
    hosts: tuple[str, ...]
    hints: tuple[str, ...]


Said = Literal["done", "hint", "give up"]


class Trainee(Protocol):
    """Whoever is trained: at a terminal, or a script of a test. `name` is their login."""

    name: str

    def find(self, alert: AlertText) -> str:
        """The id of the runbook that they take for the one for `alert`; empty where they give up."""
        ...

    def do(self, step: StepToDo, *, told: int, seconds: float) -> Said:
        """What they say of `step`, of which so many hints were `told`, so many `seconds` after the beginning."""
        ...

    def tell(self, text: str) -> None:
        """Tell them something."""
        ...


@dataclass(slots=True)
class TrainingSession:
    """A training of `trainee` in the runbook of `source`, which they must find first where they get the alert only."""

    library: Library
    source: Source
    trainee: Trainee
    clock: Clock
    alert_only: bool
    longest: timedelta
    astray: list[str] = field(default_factory=list)
    steps: list[TrainedStep] = field(default_factory=list)

    def follow(self, phases: DrillPhases, sees: str) -> Training:
        """Have it followed, on a system that is broken; `sees` is what a user sees of that."""
        began = self.clock()
        ended = (not self.alert_only or self._find(phases, sees)) and self._do_all(phases)
        source = self.source
        return Training(
            person=self.trainee.name,
            runbook=source.id,
            sha256=source.sha256,
            began=began.wall,
            seconds=self.clock().since(began),
            steps=tuple(self.steps),
            alert_only=self.alert_only,
            astray=tuple(self.astray),
            gave_up=not ended,
        )

    def _find(self, phases: DrillPhases, sees: str) -> bool:
        runbook = self.source.runbook
        trigger = runbook.trigger
        alert = AlertText(
            alert=trigger.alert or "",
            says=trigger.condition or trigger.event or "",
            severity=str(runbook.severity),
            hosts=phases.inventory.hosts_of(runbook.hosts),
            sees=sees,
        )
        while named := self.trainee.find(alert):
            if named == runbook.id:
                return True
            self.astray.append(named)
            self.trainee.tell(self._sent_on(named))
        return False

    def _sent_on(self, named: str) -> str:
        """What the runbook that was named for the wrong one says of this symptom."""
        try:
            scope = self.library.source(named).runbook.scope
        except RunbookError as error:
            return error.message
        excluded = [each for each in scope.excludes if isinstance(each, Exclusion) and each.see == self.source.id]
        if excluded:
            return f"{named} does not handle this: {excluded[0].what}; see {excluded[0].see}"
        return f"{named} is not for this: it handles {'; '.join(scope.handles)}"

    def _do_all(self, phases: DrillPhases) -> bool:
        steps, began = self.source.runbook.steps, self.clock()
        for number, step in enumerate(steps, 1):
            todo = self._todo(phases, step, number, len(steps))
            since, told, wrong = self.clock(), 0, 0
            while True:
                seconds = self.clock().since(began)
                said = self.trainee.do(todo, told=told, seconds=seconds)
                if said == "give up" or seconds > self.longest.total_seconds():
                    return False
                if said == "hint":
                    told = min(told + 1, len(todo.hints))
                    continue
                verified, why = self._holds(phases, step)
                if not why:
                    break
                wrong += 1
                self.trainee.tell(f"it is not so yet: {why}")
            hints = told if told < len(todo.hints) else TOLD
            self.steps.append(TrainedStep(step.id, step.name, hints, wrong, verified, self.clock().since(since)))
        return True

    def _todo(self, phases: DrillPhases, step: Step, number: int, of: int) -> StepToDo:
        hosts = phases.inventory.hosts_of(step.hosts or self.source.runbook.hosts)
        wanted = "; ".join(look.says for look in step.verify)
        first = f"{step.why or step.name}: {wanted}" if wanted else step.why or step.name
        return StepToDo(
            number, of, step.name, hosts, (first, _by_host({host: phases.shown(step, host) for host in hosts}))
        )

    def _holds(self, phases: DrillPhases, step: Step) -> tuple[bool, str]:
        """Whether anything of `step` can be looked at, and why what it wants does not hold; empty where it does."""
        known = {name for each in self.source.runbook.procedure for name in (*each.capture, *each.choose)}
        looks = [look for look in step.verify if look.probes and not mentioned_in([*look.kinds], known)]
        if not looks or mentioned_in([step.only_if, step.each], known):
            return False, ""
        soon = [look.model_copy(update={"within": _PATIENCE, "every": None}) if look.within else look for look in looks]
        try:
            phases.look_once(step, soon)
        except (ExecutionError, InvalidInputError) as error:
            return True, error.hint or error.message
        return True, ""


def _by_host(texts: Mapping[str, str]) -> str:
    """The `texts` of hosts, each once, with the hosts that it is for where there are several."""
    hosts: dict[str, list[str]] = {}
    for host, text in texts.items():
        hosts.setdefault(text, []).append(host)
    if len(hosts) == 1:
        return next(iter(hosts))
    return "\n".join(f"{', '.join(names)}: {text}" for text, names in hosts.items())


def neighbours(source: Source, able: Sequence[Source]) -> Iterator[Source]:
    """Those of `able` that may be taken for `source`: of its category, or named by one of the two for the other."""
    named = {each.see for each in source.runbook.scope.excludes if isinstance(each, Exclusion)}
    for each in able:
        theirs = {item.see for item in each.runbook.scope.excludes if isinstance(item, Exclusion)}
        near = each.id in named or source.id in theirs or each.runbook.category == source.runbook.category
        if near or each.id == source.id:
            yield each
