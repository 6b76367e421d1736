"""What a step leaves in Ansible and a later step uses: it is gone where a run stops for a person, or is resumed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from runner.core.deferred import dataclass
from runner.library.content_tasks import calls, roots, tasks
from runner.model.mentions import mentioned_in
from runner.model.step import Step
from runner.model.yaml.finding import Finding
from runner.model.yaml.lenient_yaml import Value
from runner.model.yaml.yaml_file import unusable

_RULE = "lost-value"
_FACTS = "ansible_facts"
_HINT = "write directly after {step} a step with nothing but capture: {{OTHER_NAME: {name}}}, and use OTHER_NAME"
_NO_USE = frozenset({"id", "name", "why"})


@dataclass(frozen=True, slots=True)
class _Left:
    """What a step leaves: the names that its tasks set, each where that is, and whether facts of the host."""

    step: Step
    text: str
    sets: Mapping[str, Value]

    @property
    def facts(self) -> bool:
        return self.step.action is not None and self.step.action.gathers_facts

    def uses(self, names: Collection[str]) -> list[str]:
        """Those of the `names` that the step uses, or the files of its tasks do."""
        fields = [getattr(self.step, name) for name in type(self.step).model_fields.keys() - _NO_USE]
        return mentioned_in([fields, self.text], sorted(names))


def findings(steps: Sequence[Step], contents: Mapping[str, bytes], *, file: str) -> Iterator[Finding]:
    """What of the `steps`, in the runbook `file` with the files of tasks in `contents`, is used too late."""
    earlier: list[_Left] = []
    for step in steps:
        own = _left(step, contents)
        before = earlier[:-1] if step.computes else earlier  # what it captures of the step before it is kept
        used = [(left, name, f"the step {step.id}") for left in before for name in own.uses({*left.sets} - {*own.sets})]
        used += [(own, name, "its undo") for name in mentioned_in(step.undo, sorted(own.sets))]
        for left, name, by in used:
            message = f"{name} is used by {by} as well, and is gone where a run stops between them"
            yield left.sets[name].finding(_RULE, message, hint=_HINT.format(step=left.step.id, name=name))
        gathered = next((each for each in before if each.facts), None)
        if gathered and not own.facts and own.uses([_FACTS]):
            message = f"{_FACTS} of the step {gathered.step.id} are gone where a run stops before {step.id} uses them"
            yield unusable(file, message, _HINT.format(step=gathered.step.id, name=f"{_FACTS}.SOMETHING"))
        earlier.append(own)


def _left(step: Step, contents: Mapping[str, bytes]) -> _Left:
    action = step.action
    names = action.library_files if action and action.declares_effect else ()
    own = {path: data for path, data in contents.items() if any(f"{path}/".startswith(f"{name}/") for name in names)}
    every = [task for path, data in own.items() for root in roots(path, data) for task in tasks(root)]
    text = b"\n".join(own.values()).decode(errors="replace")
    return _Left(step, text, {name: value for task in every for name, value in _set_by(task)})


def _set_by(task: Value) -> Iterator[tuple[str, Value]]:
    if (name := task.get("register")) and name.text:
        yield name.text, name
    for call in calls(task):
        if call.module == "set_fact":
            yield from ((str(value.place[-1]), value) for value in call.args.values())
