"""Ansible's settings for a run, as variables of the environment."""

from __future__ import annotations

from pathlib import Path

from runner.executor.ansible.workspace import SOCKETS

_PLUGINS = Path(__file__).parent / "plugins"

REPORTING = {
    # Our plugin must be the one stdout callback: Ansible refuses to start without it, while any other callback that
    # fails to load costs no more than a warning.
    "ANSIBLE_STDOUT_CALLBACK": "runbook_report",
    "ANSIBLE_CALLBACK_PLUGINS": str(_PLUGINS / "callback"),
}
"""Who reports what happens."""


def settings(directory: Path) -> dict[str, str]:
    """Those for the workspace `directory`; no variable of the user's and no other configuration file is read."""
    return {
        **REPORTING,
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_HOME": str(directory / "home"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / SOCKETS),
        # Ansible's own action plugins call this `command` for ansible.builtin.command and shell.
        "ANSIBLE_LIBRARY": str(_PLUGINS / "modules"),
        "ANSIBLE_INVENTORY_PLUGINS": str(_PLUGINS / "inventory"),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_STRATEGY": "ansible.builtin.linear",
        "ANSIBLE_GATHERING": "explicit",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
        # Of a key that is written twice Ansible would take the last, and miss the hosts of the first.
        "ANSIBLE_DUPLICATE_YAML_DICT_KEY": "error",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
    }
