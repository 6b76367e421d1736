"""The only module that uses ansible-runner."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ansible_runner.interface import init_runner

from runner.executor.ansible import workspace as files
from runner.executor.ansible.messages import PlaybookInvocation

_PLUGINS = Path(__file__).parent / "plugins"


def play(invocation: PlaybookInvocation) -> int:
    """Run ansible-playbook as `invocation` says, in this process's clean environment; its exit code.

    What happened is not asked here: a managed host can forge what ansible-runner believes, so our own callback plugin
    reports past it, on the socket that the environment names.
    """
    directory = Path(invocation.workspace)
    if not shutil.which("ansible-playbook"):
        # ansible-runner would report no more than a failed run.
        print("ansible-playbook is not on PATH, nor beside this Python; pip install ansible-core", file=sys.stderr)  # noqa: T201
        return 127
    runner = init_runner(
        private_data_dir=str(directory),
        playbook=invocation.playbook,
        # A list of absolute paths: a relative string would become the name of a host.
        inventory=list(invocation.inventories),
        tags=",".join(invocation.tags) or None,
        skip_tags=",".join(invocation.skip_tags) or None,
        limit=invocation.limit,
        forks=invocation.forks,
        cmdline=f"--extra-vars @{directory / files.INPUTS}",
        envvars=settings(directory) | invocation.environment,
        quiet=True,
        # Without a cancel callback ansible-runner replaces the signal handlers of its process.
        cancel_callback=lambda: False,
    )
    # Our plugin must be the one stdout callback: Ansible refuses to start without it, while any other callback
    # that fails to load costs no more than a warning. ansible-runner's setter knows only its own.
    runner.config.env |= {
        "ANSIBLE_STDOUT_CALLBACK": "runbook_report",
        "ANSIBLE_CALLBACK_PLUGINS": str(_PLUGINS / "callback"),
    }
    # Without a terminal there is nothing that could prompt, and nothing that could hang.
    runner.runner_mode = "subprocess"
    with Path(os.devnull).open("rb") as nothing, (directory / "output").open("ab") as output:
        runner.config.input_fd, runner.config.output_fd, runner.config.error_fd = nothing, output, output
        runner.run()
    return int(runner.rc)


def settings(directory: Path) -> dict[str, str]:
    """Ansible's settings for one invocation; no variable of the user's and no other configuration file is read."""
    return {
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_HOME": str(directory / "home"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / "ssh"),
        # Ansible's own action plugins call this `command` for ansible.builtin.command and shell.
        "ANSIBLE_LIBRARY": str(_PLUGINS / "modules"),
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
