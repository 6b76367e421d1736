"""Which host patterns hold a host, by Ansible's own reading of each inventory by itself. No program is run for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

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
    inside = sorted(folder.resolve().iterdir()) if folder.is_dir() else []
    inventories = [str(each) for each in inside if each.name[0] != "." and each.name not in {"group_vars", "host_vars"}]
    if not inventories or not name:
        return None
    question = {"name": name, "patterns": list(patterns), "inventories": inventories}
    try:
        answer = subprocess.run(
            [sys.executable, "-P", "-m", __name__],
            input=json.dumps(question),
            env=os.environ | _SETTINGS,
            cwd="/",  # where no ansible.cfg lies that would say otherwise
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_PATIENCE,
            check=True,
        ).stdout
        found: list[str] | None = json.loads(answer.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
    return found


def _answer(name: str, patterns: Sequence[str], inventories: Sequence[str]) -> list[str] | None:
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415 - only the process that reads imports Ansible
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415

    found: list[str] | None = None
    for path in inventories:
        manager: Any = InventoryManager(DataLoader(), sources=[path])
        if name not in manager.groups and name not in manager.hosts:
            continue
        mine = set(manager.get_hosts(name))
        held = [pattern for pattern in patterns if mine.intersection(manager.get_hosts(pattern))]
        found = [*(found or []), *held]
    return None if found is None else list(dict.fromkeys(found))


if __name__ == "__main__":
    print(json.dumps(_answer(**json.load(sys.stdin))))  # noqa: T201 - the answer to whoever started this
