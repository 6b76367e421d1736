"""The tasks of a role, or of a file of tasks: which modules they call, and whether what they notify or use is there."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from runner.core.deferred import dataclass, regex
from runner.kinds.values import ROLES
from runner.model.mentions import mentioned_in
from runner.model.names import RESERVED
from runner.model.step import Step
from runner.model.yaml.finding import Finding, InvalidFileError, did_you_mean, quoted
from runner.model.yaml.lenient_yaml import Value, documents
from runner.model.yaml.yaml_file import unusable

_IMPORTS = frozenset({"include_tasks", "import_tasks", "include_role", "import_role"})
_TEMPLATE = regex(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class ModuleCall(NamedTuple):
    """A module of a task, by its short name where it is one of Ansible's own, and its arguments."""

    module: str
    args: Value


def tasks(value: Value) -> Iterator[Value]:
    """Every task in a list of them, and every block, with those in it."""
    for task in value.items():
        yield task
        for key in ("block", "rescue", "always"):
            if inner := task.get(key):
                yield from tasks(inner)


def calls(task: Value) -> Iterator[ModuleCall]:
    """The modules that the `task` calls."""
    for value in task.values():
        name = str(value.place[-1])
        if name not in RESERVED and not name.startswith("with_") and name not in {"listen", "user"}:
            collection, _, short = name.rpartition(".")
            yield ModuleCall(short if collection in {"", "ansible.builtin", "ansible.legacy"} else name, value)


def unknown_handlers(contents: Mapping[str, bytes], rule: str) -> Iterator[Finding]:
    """Each handler that is notified in `contents`, by path, and that none of them has; Ansible finds it in mid-step.

    Nothing is found where a role of a collection, whose handlers nobody sees here, or a handler that imports others
    belongs to it.
    """
    read = {path: [task for root in roots(path, data) for task in tasks(root)] for path, data in contents.items()}
    handlers = [task for path, found in read.items() if _part(path) == "handlers" for task in found]
    all_calls = [call for found in read.values() for task in found for call in calls(task)]
    roles = [call.args.get("name") for call in all_calls if call.module in {"include_role", "import_role"}]
    imports = any(call.module in _IMPORTS for task in handlers for call in calls(task))
    if imports or any(role and "." in (role.text or "") for role in roles):
        return
    names = [text for task in handlers for key in ("name", "listen") for _, text in _texts(task.get(key))]
    patterns = [re.compile(".*".join(map(re.escape, _TEMPLATE.split(name))), re.DOTALL) for name in names]
    for task in (task for found in read.values() for task in found):
        for value, text in _texts(task.get("notify")):
            wanted = text.rpartition(" : ")[2]
            if not _TEMPLATE.search(text) and not any(each.fullmatch(wanted) for each in patterns):
                message = f"notifies {quoted(text)}, and there is no handler of that name"
                yield value.finding(rule, message, hint=did_you_mean(wanted, names) or "write it in handlers/main.yml")


def _texts(value: Value | None) -> Iterator[tuple[Value, str]]:
    """The texts of what is one or a list of them."""
    for each in (value, *value.items()) if value else ():
        if each.text is not None:
            yield each, each.text


def _part(path: str) -> str:
    """What a file of a role is of, by its place below playbooks/roles/NAME; any other one has tasks."""
    parts = PurePosixPath(path).parts[3:4] if path.startswith(f"{ROLES}/") else ()
    return parts[0] if parts else "tasks"


def roots(path: str, data: bytes) -> list[Value]:
    """The lists of tasks in the file at `path`; none where it has other things."""
    if not path.endswith((".yml", ".yaml")) or _part(path) not in {"tasks", "handlers"}:
        return []
    try:
        return documents(data, file=path)
    except InvalidFileError:
        return []  # others complain about that


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


def lost_values(steps: Sequence[Step], contents: Mapping[str, bytes], *, file: str) -> Iterator[Finding]:
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
