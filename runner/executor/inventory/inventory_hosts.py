"""What Ansible itself reads in an inventory: which patterns hold a host, which variables are set. No program is run."""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from runner.core.errors import InvalidInputError
from runner.executor.ansible.workspace import environment
from runner.executor.inventory.project_file import project_above

_PATIENCE = 30
_SETTINGS = {
    # Neither an inventory that is a program nor a plug-in that asks a cloud.
    "ANSIBLE_INVENTORY_ENABLED": "ini,yaml,toml",
    "ANSIBLE_DUPLICATE_YAML_DICT_KEY": "error",
}


def holding(name: str, patterns: Iterable[str], folder: Path) -> list[str] | None:
    """Those of `patterns` that have a host in common with the host or group `name`, in one of the inventories there.

    None where none of the inventories in `folder` knows it; one that Ansible cannot read knows nothing.
    """
    inventories = inventories_in(folder)
    if not inventories or not name:
        return None
    try:
        names: list[str] | None = json.loads(_ask("patterns", inventories, name=name, patterns=list(patterns)))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return names


class InventoryVariables(NamedTuple):
    """The names of variables, and those of them, or of their parts, that ansible-vault has encrypted: `db.password`."""

    names: frozenset[str]
    vaulted: frozenset[str]


def variables(inventories: Sequence[Path]) -> InventoryVariables:
    """The variables that are set for any host of the `inventories`, also in files that ansible-vault has encrypted.

    Raises:
        InvalidInputError: Ansible cannot read one, or decrypt a file of it.
    """
    try:
        return InventoryVariables(*map(frozenset, json.loads(_ask("variables", inventories))))
    except subprocess.CalledProcessError as error:
        message = next((line for line in reversed(error.stderr.splitlines()) if line.strip()), "it does not say why")
    except (OSError, subprocess.SubprocessError, ValueError, TypeError) as error:
        message = str(error)
    names = ", ".join(map(str, inventories))
    raise InvalidInputError(f"Ansible cannot read {names}: {message.partition('Error: ')[2] or message}", hint=_HINT)


_HINT = "look at what it names, and at --vault-password-file"


def inventories_in(folder: Path) -> list[Path]:
    """The inventories that lie in `folder`."""
    inside = sorted(folder.resolve().iterdir()) if folder.is_dir() else []
    return [each for each in inside if each.name[0] != "." and each.name not in {"group_vars", "host_vars"}]


def _ask(what: str, inventories: Sequence[Path], **question: Any) -> str:
    """What a process of its own answers, which imports Ansible."""
    ran = subprocess.run(
        [sys.executable, "-P", "-m", __name__],
        input=json.dumps({"what": what, "inventories": [str(path.resolve()) for path in inventories], **question}),
        env=environment(project_above(inventories[0]).applied(os.environ), python=sys.executable) | _SETTINGS,
        cwd="/",  # where no ansible.cfg lies that would say otherwise
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=True,
    )
    return ran.stdout.rpartition("\n")[0].rpartition("\n")[2]


def _answer(what: str, inventories: Sequence[str], **question: Any) -> list[Any] | None:
    return _variables(inventories) if what == "variables" else _holding(inventories, **question)


def _variables(inventories: Sequence[str]) -> list[list[str]]:
    from ansible import constants  # noqa: PLC0415 - only the process that reads imports Ansible
    from ansible.cli import CLI  # noqa: PLC0415
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.vars.manager import VariableManager  # noqa: PLC0415

    loader = DataLoader()
    loader.set_vault_secrets(CLI.setup_vault_secrets(loader, constants.DEFAULT_VAULT_IDENTITY_LIST, auto_prompt=False))
    secret_paths = runpy.run_path(str(files("runner.executor.ansible") / "plugins" / _SECRETS))["secret_paths"]
    names, vaulted = set[str](), set[str]()
    for path in inventories:
        manager: Any = InventoryManager(loader, sources=[path])
        variables: Any = VariableManager(loader, inventory=manager)
        for host in manager.get_hosts():
            found = variables.get_vars(host=host, include_hostvars=False)
            names |= found.keys()
            vaulted |= {*secret_paths(found)}
    return [sorted(names), sorted(vaulted)]


def _holding(inventories: Sequence[str], name: str, patterns: Sequence[str]) -> list[str] | None:
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415

    matches: list[str] | None = None
    for path in inventories:
        manager: Any = InventoryManager(DataLoader(), sources=[path])
        if name not in manager.groups and name not in manager.hosts:
            continue
        mine = set(manager.get_hosts(name))
        matching = [pattern for pattern in patterns if mine.intersection(manager.get_hosts(pattern))]
        matches = [*(matches or []), *matching]
    return None if matches is None else list(dict.fromkeys(matches))


_SECRETS = "inventory_secrets.py"

if __name__ == "__main__":
    print(json.dumps(_answer(**json.load(sys.stdin))))  # noqa: T201 - the answer to whoever started this
