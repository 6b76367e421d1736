"""What every command names that works on hosts: the runbook, the inventories, the limit, the inputs."""

from pathlib import Path

import click

from runner.cli.lab_entry import enter_for
from runner.cli.option_groups import together
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
target_options = together(click.argument("runbook"), inventories_option, limit_option, input_options.options)
"""The arguments and options that say what a command is for."""
