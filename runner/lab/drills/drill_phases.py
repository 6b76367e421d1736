"""The parts of a drill beside its runbook: the fault, the symptom, the proof and the undo, done by plain Ansible."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from runner.compiler.compiler import compile_runbook, variables
from runner.core.deferred import dataclass
from runner.core.errors import ExecutionError, InvalidInputError
from runner.kinds import plugins
from runner.lab.drills.drill_question import AskedSystem
from runner.lab.drills.inventory_values import HostValues
from runner.lab.drills.plain_ansible import Inventory, PlainAnsible
from runner.lab.probe import Probe, ProbeAnswer
from runner.library.runbook_source import Source
from runner.model.procedure.drill import Drill
from runner.model.step import Step
from runner.model.verification import Verification

_NAMES: Mapping[str, str] = {
    "snapshot": "the snapshot",
    "inject": "the fault",
    "symptom": "the symptom",
    "proof": "the proof",
    "undo": "the undo of the drill",
    "look": "the look at a step",
    "undo-look": "the proof that the drill is undone",
}
_SOMETHING = plugins.verifications()["that"].model_validate({"that": ("rows | length > 0",)})
"""What every query of a proof must give: of nothing, anything can be said."""
_PATIENCE, _EVERY = timedelta(seconds=30), timedelta(milliseconds=250)
"""In which time a symptom must be there, and how often it is looked for: a fault is not felt everywhere at once."""
_BRIEF = 120


@dataclass(frozen=True, slots=True)
class DrillPhases:
    """The phases of `drill` with the `inputs` of its runbook; no record of a run is made of them.

    What the `question` is about, the probe answers. What they start on a host has the name of the `attempt`.
    """

    source: Source
    drill: Drill
    inputs: Mapping[str, Any]
    ansible: PlainAnsible
    question: AskedSystem
    inventory: Inventory
    attempt: str = ""

    def in_words(self, phase: str) -> str:
        """The names of the steps of `phase`."""
        return "; ".join(step.name for step in self.drill.steps(phase))

    def play(self, *phases: str, guard: Step | None = None) -> None:
        """Do the steps of the `phases`, but those that judge what the probe is answered; the `guard` before each.

        Raises:
            ExecutionError: one fails, or does not pass; the hint says which and why.
            InvalidInputError: a file that one names cannot be used.
        """
        if steps := [step for phase in phases for step in self._done_in(phase)]:
            self._by_ansible(phases[0], [each for step in steps for each in (guard, step) if each])

    def _done_in(self, phase: str) -> list[Step]:
        """The steps of `phase` that Ansible does."""
        steps = [step for step in self.drill.steps(phase) if not self.drill.asks_the_probe(step)]
        completed = {"symptom": _awaited, "proof": _proving}.get(phase)
        return [completed(step) for step in steps] if completed else steps

    @property
    def variables(self) -> Mapping[str, Any]:
        """What Ansible is given."""
        return variables(self.source.runbook, self.inputs)

    def save(self, steps: Sequence[Step]) -> None:
        """Do `steps`, which save hosts before anything of them is broken.

        Raises:
            ExecutionError: one fails.
        """
        if steps:
            self._by_ansible("snapshot", steps)

    def look_at(self, phase: str) -> None:
        """See that what was done in `phase` holds, as far as one can look at it without doing it again.

        Raises:
            ExecutionError: it does not hold.
        """
        looks = [(step, tuple(each for each in step.verify if each.probes)) for step in self.drill.steps(phase)]
        steps = [
            step.model_copy(update={"action": None, "verify": verify, "capture": {}})
            for step, verify in looks
            if verify
        ]
        if steps:
            self._by_ansible(f"{phase}-look", steps)

    def look_once(self, step: Step, looks: Sequence[Verification]) -> None:
        """See that the `looks` of `step` hold, without doing anything of it.

        Raises:
            ExecutionError: one does not.
        """
        alone: dict[str, Any] = {"action": None, "capture": {}, "approve": None, "choose": {}, "undo": None}
        self._by_ansible("look", [step.model_copy(update={**alone, "verify": tuple(looks)})])

    def shown(self, step: Step, host: str) -> str:
        """What `step` does on `host`, or looks at, with the values that are known."""
        looks = "; ".join(look.how or look.says for look in step.verify)
        values = {**self.inputs, **self.inventory.variables.get(host, {}), "groups": self.inventory.groups}
        return str(HostValues(host, values).filled(step.action.describe() if step.action else looks, missing="..."))

    def judge(self, phase: str, probe: Probe) -> None:
        """Wait until the probe is answered what each other step of `phase` wants.

        Raises:
            ExecutionError: it is not, in the time that there is.
        """
        for step in filter(self.drill.asks_the_probe, self.drill.steps(phase)):
            for look in step.verify:
                within = look.within if isinstance(look.within, timedelta) else _PATIENCE
                if not probe.wait_for(partial(self._suits, look), within=within.total_seconds()):
                    wrong = f"{look.says} does not hold of what the probe is answered: {brief(probe)}"
                    raise ExecutionError(f"{_NAMES[phase]} failed", hint=wrong)

    def _suits(self, wanted: Verification, look: ProbeAnswer) -> bool:
        return self.question.judge(wanted, look.seen).good

    def _by_ansible(self, phase: str, steps: Sequence[Step]) -> None:
        runbook = self.source.runbook
        part = runbook.model_copy(
            update={"prerequisites": (), "steps": tuple(steps), "on_cancel": (), "serial": None, "watch": ()}
        )
        try:
            made = compile_runbook(part, self.source.read_file, self.source.values)
        except ValueError as error:
            raise InvalidInputError(f"{self.source.path}: drill: {error}") from None
        playbook = self.ansible.directory / f"{phase}.yml"
        for file, text in {playbook.name: made.render(), **made.beside}.items():
            path = self.ansible.directory / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.ansible.play(
            _NAMES[phase], playbook, self.variables, log=playbook.with_suffix(".log"), attempt=self.attempt
        )


def _awaited(step: Step) -> Step:
    """`step`, whose looks are repeated for a while where it does not say for how long."""
    verify = tuple(
        look.model_copy(update={"within": _PATIENCE, "every": _EVERY})
        if look.probes and not (look.within or look.held)
        else look
        for look in step.verify
    )
    return step.model_copy(update={"verify": verify})


def _proving(step: Step) -> Step:
    """`step`, in which a query that gives no row proves nothing."""
    verify = tuple(map(_of_something, step.verify))
    if step.action and step.action.sql_statement:
        verify = (*verify, Verification(says="The query gives at least one row", kinds=(_SOMETHING,)))
    return step.model_copy(update={"verify": verify})


def _of_something(look: Verification) -> Verification:
    probe = look.probe() if look.probes else None
    asks_rows = probe is not None and "rows" in probe.names
    return look.model_copy(update={"kinds": (*look.kinds, _SOMETHING)}) if asks_rows else look


def brief(probe: Probe) -> str:
    """What the probe was answered last, in a few words."""
    seen: Mapping[str, Any] = probe.last.seen if probe.last else {}
    code = next((f"{name} {seen[name]}" for name in ("status", "rc", "row") if name in seen), "no answer")
    told = seen.get("json")
    error = told.get("error") if isinstance(told, dict) else ""
    words = "" if probe.healthy else str(error or seen.get("content") or seen.get("stderr") or "")
    text = "" if words.startswith("<") else " ".join(words.split())
    if len(text) > _BRIEF:
        text = f"... {text[-_BRIEF:].partition(' ')[2]}"
    return code + (f" ({text})" if text else "")
