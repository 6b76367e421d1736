"""What every command names that works on hosts: the runbook, the inventories, the limit, the inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from runner.cli.lab_entry import enter_for
from runner.cli.prompts import input_options

inventories_option = click.option(
    "-i",
    "--inventory",
    "inventories",
    multiple=True,
    type=click.Path(path_type=Path),
    callback=enter_for,
    help="An Ansible inventory, file or directory; may be repeated.",
)
limit_option = click.option("-l", "--limit", metavar="HOSTS", help="Only the hosts that this Ansible pattern matches.")
_WORDS = (click.argument("runbook"), inventories_option, limit_option, input_options.options)


def target_options(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments and options that say what a command is for."""
    for word in reversed(_WORDS):
        command = word(command)
    return command
