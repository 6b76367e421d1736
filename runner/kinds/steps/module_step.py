"""`module`: any Ansible module, so that the whole Ansible ecosystem is a step."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator

from runner.core.identifiers import Spelling
from runner.core.templates import check_templates, has_template
from runner.kinds.base import ReadFile
from runner.kinds.destruction import destroyed_by_module
from runner.kinds.invocation import Environment, Invocation
from runner.kinds.steps.base import StepKind
from runner.kinds.values import moving

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
_FROM_PLAYBOOK = "../runbooks"
"""How the directory of runbooks is found from that of playbooks, in the library as in a run."""


def _single(module: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    if len(module) != 1:
        raise ValueError(f"needs exactly one module, not {len(module)}")
    (name, args), *_ = module.items()
    collection, _, short = name.rpartition(".")
    is_ansibles = collection in {"ansible.builtin", "ansible.legacy"}
    if instead := _INSTEAD.get(short) if is_ansibles else None:
        raise ValueError(f"{name} is not for a step; {instead}")
    check_templates(args)
    source = _brings(name, args)
    if source and (has_template(source) or ".." in PurePosixPath(source).parts):
        # The playbook runs as it was reviewed, from a directory of its own, with the files that it is known to need.
        message = "name a file beside the runbook, like files/motd, an absolute path, or `content`"
        raise ValueError(f"{name} would not find src: {source}; {message}")
    return module


def _brings(name: str, args: Mapping[str, Any]) -> str:
    """The file or directory beside the runbook that the module takes; empty where it takes none."""
    collection, _, short = name.rpartition(".")
    takes = collection in {"ansible.builtin", "ansible.legacy"} and short in _TAKES_FILES and not args.get("remote_src")
    source = args.get("src") if takes else None
    return source if isinstance(source, str) and not source.startswith(("/", "~", "{{", "{%")) else ""


_NAME = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$"
FullName = Annotated[str, Spelling(_NAME, "a module's full name, like ansible.builtin.service", longest=200)]


class ModuleStep(StepKind):
    """One module by its full name (`ansible.builtin.service`) with its arguments; its result is `result`."""

    key = "module"
    example = """\
- id: restart
  name: Restart the web server
  module: {ansible.builtin.service: {name: nginx, state: restarted}}
  verify: [{http: "http://127.0.0.1/health", within: 1m}]
"""
    visible = ("env",)
    fixed_by = "name the commit, the version or the digest"

    module: Annotated[dict[FullName, dict[str, Any]], AfterValidator(_single)]
    env: Environment = {}

    @property
    def gathers_facts(self) -> bool:
        """Whether it is a module for that, by its name."""
        return any(re.fullmatch(r".*\.(?:setup|gather_facts|\w+_facts)", name) for name in self.module)

    @property
    def ansible_module(self) -> tuple[str, Mapping[str, Any]]:
        """The module's full name, and its arguments."""
        return next(iter(self.module.items()))

    @property
    def library_files(self) -> tuple[str, ...]:
        """The file beside the runbook that the module takes to the host."""
        source = _brings(*self.ansible_module)
        return (str(PurePosixPath("runbooks", source)),) if source else ()

    @property
    def moving_name(self) -> str:
        """What `ansible.builtin.git` checks out; `latest`, where a package or an image is that."""
        name, args = self.ansible_module
        if name.rpartition(".")[2] == "git":
            return moving(str(args.get("version", "HEAD")))
        values = [value for value in args.values() if isinstance(value, str)]
        return "latest" if any(re.search(r"(?:\A|:)latest\Z", value) for value in values) else ""

    def destroys(self, read_file: ReadFile) -> str:
        """What the module's name and arguments say."""
        return destroyed_by_module(*self.ansible_module)

    def invocation(self, timeout: timedelta, read_file: ReadFile) -> Invocation:
        """The module under Ansible's own task timeout, the only one a module has."""
        name, args = self.ansible_module
        if source := _brings(name, args):
            args = {**args, "src": f"{_FROM_PLAYBOOK}/{source}"}
        return Invocation(name, args, environment=self.env or None, task_timeout=timeout, may_skip=True)

    def describe(self) -> str:
        """The module with its arguments."""
        name, args = self.ansible_module
        return " ".join((name, *(f"{key}={value}" for key, value in args.items())))
