"""Ansible as it comes, for what is no run of a runbook: what sets a rehearsal up, breaks the system and looks at it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.core.errors import ExecutionError
from runner.executor.target import CLASSES
from runner.lab.lab_processes import LabCommand, run

_SETTINGS: Mapping[str, str] = {
    "ANSIBLE_FORKS": "5",
    "ANSIBLE_HOST_KEY_CHECKING": "True",
    "ANSIBLE_PIPELINING": "True",
    "ANSIBLE_DUPLICATE_YAML_DICT_KEY": "error",
    "ANSIBLE_NOCOLOR": "True",
    "LC_ALL": "C.UTF-8",
}
_FAILED = re.compile(
    r'^(?:fatal|failed): \[(?P<host>[^\]]+)\].*?"msg": (?P<message>"(?:[^"\\]|\\.)*")', re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts that stand directly in each group, and the variables of each host."""

    groups: Mapping[str, Sequence[str]]
    variables: Mapping[str, Mapping[str, Any]]

    def host(self, name: str) -> str:
        """The first host of the group `name`; `name` itself where there is no such group."""
        return next(iter(self.groups.get(name, ())), name)

    def address(self, name: str) -> str:
        """The address of the host `name`, or of the first host of the group `name`; `name` itself if it is neither."""
        host = self.host(name)
        return str(self.variables.get(host, {}).get("ansible_host", host))

    def matching(self, pattern: str) -> tuple[str, ...]:
        """The hosts that `pattern` names: hosts and groups joined by `:`, of which `[n]` takes one."""
        found: dict[str, None] = {}
        for part in pattern.split(":"):
            name, _, number = part.removesuffix("]").partition("[")
            hosts = (
                [*self.variables]
                if name == "all"
                else [*self.groups.get(name, [name] if name in self.variables else [])]
            )
            found |= dict.fromkeys(hosts[int(number) : int(number) + 1] if number.isdigit() else hosts)
        return tuple(found)

    @property
    def of_production(self) -> tuple[str, ...]:
        """The hosts whose class of environment is production: that is every host that does not say another one."""
        hosts = {host for group in self.groups.values() for host in group} | set(self.variables)
        classes = {host: self.variables.get(host, {}).get("runbook_environment") for host in hosts}
        return tuple(sorted(host for host, name in classes.items() if name not in CLASSES[:-1]))


@dataclass(frozen=True, slots=True)
class PlainAnsible:
    """Ansible with the `inventories` and with files in `directory`; what this machine has configured is left out."""

    inventories: Sequence[Path]
    directory: Path

    def play(self, name: str, playbook: Path, variables: Mapping[str, Any], *, log: Path) -> None:
        """Do what is in `playbook`; `name` is what people call it, `log` gets all that Ansible says.

        Raises:
            ExecutionError: a task failed; the error has what it said, and on which host.
        """
        file = self.directory / "variables.json"  # not as arguments, which everybody on this machine may see
        file.touch(mode=0o600)
        file.write_text(json.dumps(dict(variables)), encoding="utf-8")
        try:
            run(self._command(name, ["playbook", "--extra-vars", f"@{file}", str(playbook)], log))
        except ExecutionError as error:
            text = log.read_text(encoding="utf-8", errors="replace")
            if failed := _FAILED.search(text):
                raise ExecutionError(error.message, hint=f"{failed['host']}: {json.loads(failed['message'])}") from None
            raise

    def inventory(self) -> Inventory:
        """What Ansible reads in the inventories.

        Raises:
            ExecutionError: it cannot read one.
        """
        log = self.directory / "inventory.json"
        run(self._command("the reading of the inventory", ["inventory", "--list"], log))
        text = log.read_text(encoding="utf-8")
        groups = json.loads(text[text.index("{") :])  # after the warnings
        variables = groups.pop("_meta")["hostvars"]
        return Inventory({name: tuple(group.get("hosts", ())) for name, group in groups.items()}, variables)

    def _command(self, name: str, words: Sequence[str], log: Path) -> LabCommand:
        settings = self.directory / "ansible.cfg"
        settings.touch()
        environment = {"ANSIBLE_CONFIG": str(settings), "HOME": str(self.directory), **_SETTINGS}
        environment["ANSIBLE_HOME"] = str(self.directory / "ansible")
        chosen = [word for path in self.inventories for word in ("--inventory", str(path))]
        argv = [sys.executable, "-m", "ansible", words[0], *chosen, *words[1:]]
        return LabCommand(name, argv, log, environment=environment)
