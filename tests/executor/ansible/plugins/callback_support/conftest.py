"""What a task would do, by Ansible's own loader, in an inventory of several hosts and with a vault."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.playbook import Playbook
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from harness.ansible_loader import plugin_loader

import runner

sys.path.append(str(Path(runner.__file__).parent / "executor" / "ansible" / "plugins" / "callback_support"))

from runbook_commands import Commands
from runbook_filled import vaulted as vaulted_file

PASSWORD = [("default", VaultSecret(b"none of your business"))]


@functools.cache
def encrypted(text):
    """The same each time: what is encrypted again is another text."""
    return VaultLib(PASSWORD).encrypt(text.encode(), vault_id="default")


@pytest.fixture
def shown(tmp_path):
    """What the step `act` of the play would do on the host db1 with these variables, and those of an encrypted file.

    `others` are hosts besides, each with its variables.
    """

    def show(*, play, vaulted="password: s3cret-value\nport: 5431\n", others=None, **variables):
        (tmp_path / "play.yml").write_text(play)
        (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"db1": variables, **(others or {})}}}))
        (tmp_path / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
        (tmp_path / "group_vars" / "all" / "secrets.yml").write_bytes(encrypted(vaulted))
        plugin_loader()
        vaulted_file.cache_clear()  # what a process has read stays as it was, as with Ansible itself
        loader = DataLoader()
        loader.set_vault_secrets(PASSWORD)
        loader.set_basedir(str(tmp_path))
        inventory = InventoryManager(loader, sources=[str(tmp_path / "hosts.yml")])
        manager = VariableManager(loader, inventory)
        HostVars(inventory, manager, loader)  # as the executor of playbooks does it
        playbook = Playbook.load(str(tmp_path / "play.yml"), variable_manager=manager, loader=loader)
        told = Commands(playbook.get_plays(), manager).of({"act"})["act"]["db1"]
        return json.loads(json.dumps(told, default=str))

    return show
