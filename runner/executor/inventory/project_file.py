"""`runbook.toml`: which of the user's environment, and of their `ansible.cfg`, Ansible gets to see."""

import configparser
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path

from runner.core.deferred import dataclass, regex
from runner.core.errors import InvalidInputError
from runner.core.ownership import trusted_files
from runner.core.wording import listed
from runner.executor.job import ENGINE, Engine

NAME = "runbook.toml"
"""The file, in the root of a library."""

PASSES = "RUNBOOK_PASS_ENVIRONMENT"
"""The variable in which the product says, to itself, which others of the user's environment are passed on."""

_NEVER = regex(
    r"ANSIBLE_.*|RUNBOOK_.*|PYTHON.*|LD_.*|DYLD_.*|BASH.*|GIT_.*|PERL.*|RUBY.*|NODE_.*|JAVA_TOOL_OPTIONS"
    r"|PATH|ENV|IFS|CDPATH|SHELLOPTS|PS4|PROMPT_COMMAND|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|NLSPATH|TERMINFO.*"
)
"""What may change which code is executed, or what Ansible does and reports, however well it is meant."""

HONOURED: Mapping[tuple[str, str], str] = {
    ("defaults", "vault_password_file"): "ANSIBLE_VAULT_PASSWORD_FILE",
    ("defaults", "vault_identity_list"): "ANSIBLE_VAULT_IDENTITY_LIST",
    ("defaults", "collections_path"): "ANSIBLE_COLLECTIONS_PATH",
    ("defaults", "collections_paths"): "ANSIBLE_COLLECTIONS_PATH",
    ("privilege_escalation", "become_password_file"): "ANSIBLE_BECOME_PASSWORD_FILE",
    ("inventory", "enable_plugins"): "ANSIBLE_INVENTORY_ENABLED",
    ("inventory", "cache"): "ANSIBLE_INVENTORY_CACHE",
    ("inventory", "cache_plugin"): "ANSIBLE_INVENTORY_CACHE_PLUGIN",
    ("inventory", "cache_connection"): "ANSIBLE_INVENTORY_CACHE_CONNECTION",
    ("inventory", "cache_prefix"): "ANSIBLE_INVENTORY_CACHE_PLUGIN_PREFIX",
    ("inventory", "cache_timeout"): "ANSIBLE_INVENTORY_CACHE_TIMEOUT",
}
"""The settings that are taken from an `ansible.cfg` that `runbook.toml` names, each with the variable that has it.

They decide where secrets, collections and hosts come from, and nothing of what is done or reported. How a host is
reached belongs in its inventory, where plan, preflight and approvals see it.
"""
_PATHS = frozenset({"vault_password_file", "become_password_file", "collections_path", "collections_paths"})
_INVENTORY = frozenset(name for (section, _), name in HONOURED.items() if section == "inventory")


@dataclass(frozen=True)
class ProjectFile:
    """What a `runbook.toml` chooses: variables that are `passed`, the settings of the file `config`, and the engine."""

    path: Path | None = None
    passed: tuple[str, ...] = ()
    config: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    taken: tuple[str, ...] = ()
    engine: Engine | None = None

    def applied(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment of a command, with what Ansible is to see of it; what the user has set counts more."""
        names = (*self.passed, *(name for name in self.settings if name in _INVENTORY))
        chosen = {ENGINE: self.engine} if self.engine else {}
        return {**self.settings, **chosen, **environ, PASSES: ",".join(names)}

    def told(self, environ: Mapping[str, str]) -> list[str]:
        """What reaches Ansible by it, in a sentence each."""
        there = [name if name in environ else f"{name} (which is not set)" for name in self.passed]
        sentences = [f"{self.path}: Ansible sees {listed(there, 20)} of this environment"] if there else []
        sentences += [f"{self.path}: of {self.config} are taken: {', '.join(self.taken)}"] if self.taken else []
        chosen = self.engine and ENGINE not in environ
        return sentences + ([f"{self.path}: the engine is {self.engine}"] if chosen else [])


def may_pass(name: str) -> bool:
    """Whether Ansible may see the variable `name` where somebody has chosen that."""
    return bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)) and (name in _INVENTORY or not _NEVER.fullmatch(name))


def project_file(root: Path | None) -> ProjectFile:
    """What the `runbook.toml` of the library in `root` chooses; nothing where there is none.

    Raises:
        InvalidInputError: it cannot be read, chooses what cannot be chosen, or others may change it.
    """
    path = (root / NAME).absolute() if root else None
    if path is None or not os.path.lexists(path):
        return ProjectFile()
    trusted_files.check([path])
    from runner.executor.inventory.project_settings import AnsibleSettings, ProjectSettings  # noqa: PLC0415 - few have one

    chosen = ProjectSettings.read(path).ansible or AnsibleSettings()
    passed = chosen.pass_environment
    if never := [name for name in passed if not (may_pass(name) and name not in _INVENTORY)]:
        message = f"{path}: {listed(never)} cannot be passed on: it may change what is executed, or what is reported"
        raise InvalidInputError(message, hint="take it out; settings of Ansible come from `config`, or group_vars")
    cfg = path.parent / chosen.config if chosen.config else None
    settings = _settings(path, cfg) if cfg else {}
    by_name = {HONOURED[where]: value for where, value in settings.items()}
    return ProjectFile(
        path, tuple(dict.fromkeys(passed)), cfg, by_name, tuple(key for _, key in settings), chosen.engine
    )


def project_above(inventory: Path) -> ProjectFile:
    """That of the library in which `inventory` lies.

    Raises:
        InvalidInputError: as `project_file`.
    """
    return project_file(next((each for each in inventory.absolute().parents if (each / NAME).exists()), None))


def check_lookups(looked_up: Mapping[str, Sequence[str]], environ: Mapping[str, str]) -> None:
    """That nothing which plain Ansible would find is silently nothing here.

    Raises:
        InvalidInputError: some of it is.
    """
    if hidden := [name for name in looked_up.get("environment", ()) if name in environ]:
        passed = [name for name in hidden if may_pass(name)]
        chosen = f"write pass_environment = {json.dumps(passed)} under [ansible] in runbook.toml"
        message = (
            f"a template looks up {listed(hidden)} of the environment, which is set here and which a run does not see"
        )
        raise InvalidInputError(message, hint=chosen if passed == hidden else "write what it holds into the inventory")
    if beside := looked_up.get("beside", ()):
        message = f"a template looks for {listed(list(beside))} beside the playbook, where a run has no such file"
        raise InvalidInputError(message, hint="write the whole path, like {{ inventory_dir }}/files/one.conf")


def _settings(path: Path, cfg: Path) -> dict[tuple[str, str], str]:
    """What is taken of `cfg`, by section and key; a path in it starts where the file lies, as for Ansible."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        trusted_files.check([cfg])
        parser.read_string(cfg.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise InvalidInputError(f"{path}: {cfg} cannot be read: {error}") from None
    found = {where: value for where in HONOURED if (value := parser.get(*where, fallback=None))}
    return {where: _from(cfg.parent, value) if where[1] in _PATHS else value for where, value in found.items()}


def _from(directory: Path, value: str) -> str:
    places = [os.path.abspath(directory / Path(part).expanduser()) for part in value.split(os.pathsep)]  # noqa: PTH100
    return os.pathsep.join(places)
