"""`module`: any Ansible module, so that the whole Ansible ecosystem is a step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator

from runner.core.identifiers import Spelling
from runner.core.templates import check_templates
from runner.kinds.base import ReadFile
from runner.kinds.destruction import destroyed_by_module
from runner.kinds.invocation import Invocation
from runner.kinds.steps.base import StepKind

_INSTEAD = {
    **dict.fromkeys(("command", "raw", "script", "shell"), "write a command, script or shell step, which has an end"),
    **dict.fromkeys(("meta", "add_host", "group_by", "set_fact"), "a step acts on its hosts and not on the play"),
    **dict.fromkeys(("import_playbook", "import_role", "import_tasks"), "a runbook is one file, reviewed as a whole"),
    **dict.fromkeys(("include_role", "include_tasks", "include_vars"), "a runbook is one file, reviewed as a whole"),
    "pause": "write a wait or a manual step",
}
"""What is no module that does something to a host, or has a kind of its own that is ended there in time."""

_TAKES_FILES = frozenset({"copy", "template", "unarchive"})
"""The modules that bring the file or directory `src` from this machine, unless `remote_src` says otherwise."""


def _single(module: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    if len(module) != 1:
        raise ValueError(f"needs exactly one module, not {len(module)}")
    (name, args), *_ = module.items()
    collection, _, short = name.rpartition(".")
    is_ansibles = collection in {"ansible.builtin", "ansible.legacy"}
    if instead := _INSTEAD.get(short) if is_ansibles else None:
        raise ValueError(f"{name} is not for a step; {instead}")
    check_templates(args)
    source = args.get("src") if is_ansibles and short in _TAKES_FILES and not args.get("remote_src") else None
    if isinstance(source, str) and _is_relative(source):
        # The playbook runs as it was reviewed, from an empty directory, and Ansible would look there.
        raise ValueError(f"{name} would not find src: {source}; write an absolute path, or `content`")
    return module


def _is_relative(path: str) -> bool:
    return not path.startswith(("/", "~", "{{", "{%"))


_NAME = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$"
FullName = Annotated[str, Spelling(_NAME, "a module's full name, like ansible.builtin.service", longest=200)]


class ModuleStep(StepKind):
    """One module by its full name (`ansible.builtin.service`) with its arguments; its result is `result`."""

    key = "module"

    module: Annotated[dict[FullName, dict[str, Any]], AfterValidator(_single)]

    @property
    def ansible_module(self) -> tuple[str, Mapping[str, Any]]:
        """The module's full name, and its arguments."""
        return next(iter(self.module.items()))

    def destroys(self, read_file: ReadFile) -> str:
        """What the module's name and arguments say."""
        del read_file
        return destroyed_by_module(*self.ansible_module)

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The module under Ansible's own task timeout, the only one a module has."""
        del read_file
        name, args = self.ansible_module
        return Invocation(name, args, task_timeout=timeout, may_skip=True)

    def describe(self) -> str:
        """The module with its arguments."""
        name, args = self.ansible_module
        return " ".join((name, *(f"{key}={value}" for key, value in args.items())))
