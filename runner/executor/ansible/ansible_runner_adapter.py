"""The only module that uses ansible-runner."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ansible_runner import runner as ansible_runner
from ansible_runner.interface import init_runner

from runner.executor.ansible import ansible_process
from runner.executor.ansible import workspace as files
from runner.executor.ansible.ansible_settings import REPORTING, settings
from runner.executor.ansible.messages import PlaybookInvocation


def play(invocation: PlaybookInvocation, *, by_fork: bool) -> int:
    """Run ansible-playbook as `invocation` says, in this process's clean environment; its exit code.

    It is a program that is started, or `by_fork` what was imported here.

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
        fact_cache_type="memory",
        envvars=settings(directory) | invocation.environment,
        quiet=True,
        # Without a cancel callback ansible-runner replaces the signal handlers of its process.
        cancel_callback=lambda: False,
    )
    # ansible-runner's setter knows only its own.
    runner.config.env |= REPORTING
    # Without a terminal there is nothing that could prompt, and nothing that could hang.
    runner.runner_mode = "subprocess"
    with Path(os.devnull).open("rb") as nothing, (directory / "output").open("ab") as output:
        runner.config.input_fd, runner.config.output_fd, runner.config.error_fd = nothing, output, output
        if by_fork:
            ansible_runner.run_subprocess = ansible_process.run
        runner.run()
    return int(runner.rc)
