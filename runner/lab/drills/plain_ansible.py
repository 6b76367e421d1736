"""Ansible as it comes, for what is no run of a runbook: what sets a rehearsal up, breaks the system and looks at it."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from runner.core.deferred import dataclass, regex
from runner.core.errors import ExecutionError, InvalidInputError
from runner.core.wording import lines_joined
from runner.executor.ansible import workspace
from runner.executor.target import CLASSES
from runner.lab.lab_processes import LabCommand, run

_SETTINGS: Mapping[str, str] = {
    "ANSIBLE_FORKS": "5",
    "ANSIBLE_TIMEOUT": "30",
    "ANSIBLE_HOST_KEY_CHECKING": "True",
    "ANSIBLE_PIPELINING": "True",
    "ANSIBLE_DUPLICATE_YAML_DICT_KEY": "error",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
    "ANSIBLE_NOCOLOR": "True",
    "LC_ALL": "C.UTF-8",
}
_PLAIN = regex(r"[\w.-]+(\[[0-9]+\])?")
_ENDED = regex(r"^(ok|changed|fatal|failed): \[([^\]]+)\](?:: (?:FAILED|UNREACHABLE)! => (\{.*\}))?", re.MULTILINE)
_SAID = regex(r'^ok: \[([^\]]+)\] => \{\s*"msg": ("(?:[^"\\]|\\.)*")', re.MULTILINE)
_SAYS_NOTHING = "Assertion failed"
_SHOWN = 5  # lines
_RESULT = regex(r"^(?:ok|changed): \[([^\]]+)\] => (\{.*\})$", re.MULTILINE)
_FAILED = regex(r"^(?:fatal|failed): \[(?P<host>[^\]]+)\].*? => (?=\{)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts of each group, with those of the groups within it, and the variables of each host."""

    groups: Mapping[str, Sequence[str]]
    variables: Mapping[str, Mapping[str, Any]]

    def host(self, name: str) -> str:
        """The first host of the group `name`; `name` itself where there is no such group."""
        return next(iter(self.groups.get(name, ())), name)

    def address(self, name: str) -> str:
        """The address of the host `name`, or of the first host of the group `name`; `name` itself if it is neither."""
        host = self.host(name)
        return str(_reached_at(self.variables.get(host, {})) or host)

    def machine(self, name: str) -> str:
        """What tells the machine of the host `name` from every other: where it is reached, as locks call it."""
        values = self.variables.get(name, {})
        if values.get("ansible_connection") == "local":
            return name
        return f"{_reached_at(values) or name}:{values.get('ansible_ssh_port') or values.get('ansible_port') or 22}"

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

    def hosts_of(self, pattern: str) -> tuple[str, ...]:
        """The same, where nothing may be missed.

        Raises:
            InvalidInputError: it names what is not there, or in a way that only Ansible understands.
        """
        strange = [part for part in pattern.split(":") if not (_PLAIN.fullmatch(part) and self.matching(part))]
        if strange:
            hint = "name hosts and groups of the inventory, joined by `:`; [0] takes the first of a group"
            raise InvalidInputError(f"the inventory has no host for {strange[0]!r}, which the drill names", hint=hint)
        return self.matching(pattern)

    @property
    def environment(self) -> str:
        """The most serious class of environment of any host; one that says none is of production."""
        said = {str(each.get("runbook_environment")) for each in self.variables.values()}
        return max((each if each in CLASSES else CLASSES[-1] for each in said), key=CLASSES.index, default=CLASSES[-1])

    @property
    def of_production(self) -> tuple[str, ...]:
        """The hosts whose class of environment is production: that is every host that does not say another one."""
        hosts = {host for group in self.groups.values() for host in group} | set(self.variables)
        classes = {host: self.variables.get(host, {}).get("runbook_environment") for host in hosts}
        return tuple(sorted(host for host, name in classes.items() if name not in CLASSES[:-1]))


@dataclass(frozen=True, slots=True)
class PlainAnsible:
    """Ansible with the `inventories` and with files in `directory`; what this machine has configured is left out.

    Of the environment `environ` it sees what a run sees; none of it where none is given. `run` does its commands.
    """

    inventories: Sequence[Path]
    directory: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    run: Callable[[LabCommand], None] = run

    def play(
        self,
        name: str,
        playbook: Path,
        variables: Mapping[str, Any],
        *,
        log: Path,
        attempt: str = "",
        leaves: bool = False,
    ) -> None:
        """Do what is in `playbook`; `name` is what people call it, `log` gets all that Ansible says.

        What it starts on a host has the name of the `attempt` in its environment. Where that `leaves` something behind,
        it stays, also where the host is this machine.

        Raises:
            ExecutionError: a task failed; the error has what it said, and on which host.
        """
        file = self.directory / "variables.json"  # not as arguments, which everybody on this machine may see
        for path in (file, log):
            path.touch(mode=0o600)
        file.write_text(json.dumps(dict(variables)), encoding="utf-8")
        try:
            words = ["playbook", "-v", "--extra-vars", f"@{file}", str(playbook)]  # with what each task has ended as
            command = self._command(name, words, log, attempt)
            self.run(replace(command, leaves=leaves))
        except ExecutionError as error:
            text = log.read_text(encoding="utf-8", errors="replace")
            if failed := _FAILED.search(text):
                said = _why(json.JSONDecoder().raw_decode(text, failed.end())[0])
                before, host = text[: failed.start()], failed["host"]
                why = _judgement(before, host) if said == _SAYS_NOTHING else said
                raise ExecutionError(error.message, hint=f"{host}: {why}") from None
            raise

    def inventory(self) -> Inventory:
        """What Ansible reads in the inventories.

        Raises:
            ExecutionError: it cannot read one.
        """
        log = self.directory / "inventory.json"
        self.run(self._command("the reading of the inventory", ["inventory", "--list"], log))
        text = log.read_text(encoding="utf-8")
        groups = json.loads(text[text.index("{") :])  # after the warnings
        variables = groups.pop("_meta")["hostvars"]
        for group in groups.values():  # it lists only those that have a variable
            variables |= {host: {} for host in group.get("hosts", ()) if host not in variables}
        return Inventory({name: tuple(dict.fromkeys(_within(groups, name))) for name in groups}, variables)

    def ended(self, log: Path) -> Mapping[str, str]:
        """What became of the last task of each host by the `log` of a play: `changed`, `ok`, or why it has failed."""
        text, found = log.read_text(encoding="utf-8", errors="replace"), dict[str, str]()
        for word, host, result in _ENDED.findall(text):
            answer = json.loads(result) if result else {}
            found[host] = (_why(answer) or "it failed") if word in {"fatal", "failed"} else word
        return found

    def said(self, log: Path) -> Mapping[str, str]:
        """What each host has said last to a task that only tells, by the `log` of a play."""
        text = log.read_text(encoding="utf-8", errors="replace")
        return {host: json.loads(message) for host, message in _SAID.findall(text)}

    def _command(self, name: str, words: Sequence[str], log: Path, attempt: str = "") -> LabCommand:
        settings = self.directory / "ansible.cfg"
        settings.touch()
        theirs = workspace.environment(self.environ, python=sys.executable) if self.environ else {}
        environment = {"HOME": str(self.directory), **theirs, "ANSIBLE_CONFIG": str(settings), **_SETTINGS}
        environment |= {"ANSIBLE_HOME": str(self.directory / "ansible"), "RUNBOOK_ATTEMPT": attempt}
        chosen = [word for path in self.inventories for word in ("--inventory", str(path))]
        argv = [sys.executable, "-m", "ansible", words[0], *chosen, *words[1:]]
        return LabCommand(name, argv, log, environment=environment)


def _why(result: Mapping[str, Any], *parts: str) -> str:
    """Why a task has failed: the last lines of the first of the `parts` of its `result` that says anything.

    Where none is given, that is what its command has printed, or what Ansible says.
    """
    words = (str(result.get(part) or "").strip() for part in parts or ("stderr", "msg"))
    lines = next(filter(None, words), "").splitlines()
    return lines_joined("\n".join(lines[-_SHOWN:]))


def _judgement(log: str, host: str) -> str:
    """What the last task in `log` is called, which judges a command, and what that said on `host` where it failed."""
    title = log.rpartition("TASK [")[2].partition("] *")[0].rpartition("| ")[2]
    newest = (json.loads(result) for of, result in reversed(_RESULT.findall(log)) if of == host)
    last: Mapping[str, Any] = next((each for each in newest if {"rc", "censored"} & each.keys()), {})
    said = _why(last if last.get("rc") else {}, "stderr", "stdout")
    return f"{title}: {said}" if said else title


def _reached_at(variables: Mapping[str, Any]) -> Any:
    return variables.get("ansible_ssh_host") or variables.get("ansible_host")


def _within(groups: Mapping[str, Any], name: str) -> Iterator[str]:
    """The hosts of the group `name`, and those of the groups within it."""
    group = groups.get(name, {})
    yield from group.get("hosts", ())
    for child in group.get("children", ()):
        yield from _within(groups, child)
