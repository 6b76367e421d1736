"""The tasks of a role, or of a file of tasks: which modules they call, and whether what they notify is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from runner.core.deferred import regex
from runner.kinds.values import ROLES
from runner.model.names import RESERVED
from runner.model.yaml.finding import Finding, InvalidFileError, did_you_mean, quoted
from runner.model.yaml.lenient_yaml import Value, documents

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
